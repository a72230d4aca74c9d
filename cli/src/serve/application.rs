//! What answers calls, as the [`Dialplan`] says: an echo sends back what it hears, music and tones are played, a peer is called, and
//! [`switch`](super::switch) joins the two legs of such a call. What leads nowhere is refused before it is accepted, as chan_iax2 does.

use std::collections::BTreeMap;
use std::sync::Arc;

use iaxproof::engine::directory::Directory;
use iaxproof::engine::{CallId, Endpoint, Error, Event};
use iaxproof::time::Instant;
use iaxproof::wire::{Cause, Format};

use super::dialplan::{Action, Dialplan};
use super::switch::Switch;
use crate::audio::player::Player;
use crate::audio::{Codec, tone};

/// The calls that are up, and what each hears.
#[derive(Debug)]
pub(crate) struct Application {
    music: Arc<[i16]>,
    dialplan: Arc<Dialplan>,
    extensions: BTreeMap<CallId, Extension>,
    switch: Switch,
    is_stopping: bool,
}

#[derive(Debug)]
enum Extension {
    Echo,
    /// Music, or a tone.
    Music {
        player: Player,
        codec: Codec,
    },
}

impl Application {
    /// No calls yet.
    pub(crate) fn new(music: Arc<[i16]>, dialplan: Arc<Dialplan>) -> Self {
        Application {
            music,
            dialplan,
            extensions: BTreeMap::new(),
            switch: Switch::default(),
            is_stopping: false,
        }
    }

    /// Calls that come from now on go by this one.
    pub(crate) fn follow(&mut self, dialplan: Arc<Dialplan>) {
        self.dialplan = dialplan;
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
        let refuse = |endpoint: &mut Endpoint<D>, cause| note(endpoint.hangup(now, call, cause));
        match self.dialplan.action(number) {
            _ if self.is_stopping => refuse(endpoint, Cause::DESTINATION_OUT_OF_ORDER),
            Some(Action::Music | Action::Tone(_)) if Codec::of(format).is_none() => {
                refuse(endpoint, Cause::BEARER_UNAVAILABLE);
            }
            Some(Action::Echo | Action::Music | Action::Tone(_)) => {
                note(endpoint.accept(now, call));
            }
            Some(Action::Dial(target)) => self.switch.screen(now, endpoint, call, &target),
            Some(Action::Hangup(cause)) => refuse(endpoint, cause),
            None => refuse(endpoint, Cause::NO_ROUTE_DESTINATION),
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
        let extension = match self.dialplan.action(number) {
            _ if self.is_stopping => Err(Cause::DESTINATION_OUT_OF_ORDER),
            Some(Action::Echo) => Ok(Extension::Echo),
            Some(Action::Music) => playing(now, format, Arc::clone(&self.music)),
            Some(Action::Tone(hertz)) => playing(now, format, tone::second(hertz).into()),
            Some(Action::Dial(target)) => {
                return self.switch.dial(now, endpoint, call, &target, format);
            }
            Some(Action::Hangup(cause)) => Err(cause),
            None => Err(Cause::NO_ROUTE_DESTINATION),
        };
        match extension {
            Ok(extension) => {
                note(endpoint.answer(now, call));
                self.extensions.insert(call, extension);
            }
            Err(cause) => note(endpoint.hangup(now, call, cause)),
        }
    }

    fn is_echo(&self, call: CallId) -> bool {
        matches!(self.extensions.get(&call), Some(Extension::Echo))
    }
}

/// Sound again and again, where we can code it.
fn playing(now: Instant, format: Format, samples: Arc<[i16]>) -> Result<Extension, Cause> {
    Ok(Extension::Music {
        player: Player::new(samples, true, now),
        codec: Codec::of(format).ok_or(Cause::BEARER_UNAVAILABLE)?,
    })
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
