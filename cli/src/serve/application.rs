//! What answers calls, the server's whole dial plan: `echo` sends back what it hears, `music` plays, and any other number
//! is a peer, which is called: `PEER` or `PEER/EXTENSION`. [`switch`](super::switch) joins the two legs of such a call.
//! What is none of these is refused before it is accepted, as chan_iax2 does.

use std::collections::BTreeMap;
use std::sync::Arc;

use iaxproof::engine::directory::Directory;
use iaxproof::engine::{CallId, Endpoint, Error, Event};
use iaxproof::time::Instant;
use iaxproof::wire::{Cause, Format};

use super::switch::Switch;
use crate::audio::Codec;
use crate::audio::player::Player;

/// The calls that are up, and what each hears.
#[derive(Debug)]
pub(crate) struct Application {
    music: Arc<[i16]>,
    extensions: BTreeMap<CallId, Extension>,
    switch: Switch,
    is_stopping: bool,
}

#[derive(Debug)]
enum Extension {
    Echo,
    Music { player: Player, codec: Codec },
}

impl Application {
    /// No calls yet.
    pub(crate) fn new(music: Arc<[i16]>) -> Self {
        Application {
            music,
            extensions: BTreeMap::new(),
            switch: Switch::default(),
            is_stopping: false,
        }
    }

    /// When the next frame is to be played.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.extensions.values().filter_map(Extension::due).min()
    }

    /// Sends the frames that are due.
    pub(crate) fn play<D: Directory>(&mut self, now: Instant, endpoint: &mut Endpoint<D>) {
        for (call, extension) in &mut self.extensions {
            let Extension::Music { player, codec } = extension else {
                continue;
            };
            while let Some(frame) = player.take_due(now) {
                note(endpoint.send_voice(now, *call, &codec.encode(&frame)));
            }
        }
    }

    /// Does what an event of a call asks for.
    pub(crate) fn handle<D: Directory>(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint<D>,
        event: Event,
    ) {
        match event {
            Event::Requested {
                call,
                number,
                format,
                ..
            } => self.screen(now, endpoint, call, &number, format),
            Event::Incoming {
                call,
                from,
                user,
                number,
                format,
                ..
            } => {
                tracing::info!(%call, %from, ?user, ?number, %format, "incoming call");
                self.take(now, endpoint, call, &number, format);
            }
            Event::Voice { call, data, .. } if self.is_echo(call) => {
                note(endpoint.send_voice(now, call, &data));
            }
            Event::Dtmf { call, digit } if self.is_echo(call) => {
                note(endpoint.send_dtmf(now, call, digit));
            }
            Event::Text { call, text } if self.is_echo(call) => {
                let text = String::from_utf8_lossy(&text);
                note(endpoint.send_text(now, call, &text));
            }
            Event::Ended { call, reason } => {
                tracing::info!(%call, ?reason, "call ended");
                self.extensions.remove(&call);
                self.switch.ended(now, endpoint, call, reason);
            }
            event => self.switch.handle(now, endpoint, event),
        }
    }

    /// The other leg of a call from peer to peer.
    pub(super) fn other_leg(&self, call: CallId) -> Option<CallId> {
        self.switch.other_leg(call)
    }

    /// Hangs up all calls, and takes no more.
    pub(crate) fn stop<D: Directory>(&mut self, now: Instant, endpoint: &mut Endpoint<D>) {
        self.is_stopping = true;
        for call in core::mem::take(&mut self.extensions).into_keys() {
            note(endpoint.hangup(now, call, Cause::NORMAL_CLEARING));
        }
        self.switch.stop(now, endpoint);
    }

    /// Accepts a call, or refuses it. Whether there is such a peer the database may have to say first.
    fn screen<D: Directory>(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint<D>,
        call: CallId,
        number: &str,
        format: Format,
    ) {
        match number {
            _ if self.is_stopping => {
                note(endpoint.hangup(now, call, Cause::DESTINATION_OUT_OF_ORDER));
            }
            "music" if Codec::of(format).is_none() => {
                note(endpoint.hangup(now, call, Cause::BEARER_UNAVAILABLE));
            }
            "echo" | "music" => note(endpoint.accept(now, call)),
            peer => self.switch.screen(now, endpoint, call, peer),
        }
    }

    fn take<D: Directory>(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint<D>,
        call: CallId,
        number: &str,
        format: Format,
    ) {
        let extension = match number {
            _ if self.is_stopping => {
                return note(endpoint.hangup(now, call, Cause::DESTINATION_OUT_OF_ORDER));
            }
            "echo" => Extension::Echo,
            "music" => match self.music(now, format) {
                Some(music) => music,
                None => return note(endpoint.hangup(now, call, Cause::BEARER_UNAVAILABLE)),
            },
            peer => return self.switch.dial(now, endpoint, call, peer, format),
        };
        note(endpoint.answer(now, call));
        self.extensions.insert(call, extension);
    }

    fn music(&self, now: Instant, format: Format) -> Option<Extension> {
        Some(Extension::Music {
            player: Player::new(Arc::clone(&self.music), true, now),
            codec: Codec::of(format)?,
        })
    }

    fn is_echo(&self, call: CallId) -> bool {
        matches!(self.extensions.get(&call), Some(Extension::Echo))
    }
}

impl Extension {
    fn due(&self) -> Option<Instant> {
        match self {
            Extension::Echo => None,
            Extension::Music { player, .. } => player.due(),
        }
    }
}

/// A command that comes too late, as when the other side has just hung up, is no news.
pub(super) fn note(done: Result<(), Error>) {
    if let Err(error) = done {
        tracing::debug!(%error, "a command came too late");
    }
}
