//! What answers calls: `echo` sends back what it hears, `music` plays. The server's whole dial plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use iaxproof::engine::directory::Directory;
use iaxproof::engine::{CallId, Endpoint, Event};
use iaxproof::time::Instant;
use iaxproof::wire::{Cause, Format};

use crate::audio::Codec;
use crate::audio::player::Player;

/// The calls that are up, and what each hears.
#[derive(Debug)]
pub(crate) struct Application {
    music: Arc<[i16]>,
    calls: BTreeMap<CallId, Extension>,
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
            calls: BTreeMap::new(),
        }
    }

    /// When the next frame is to be played.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.calls.values().filter_map(Extension::due).min()
    }

    /// Sends the frames that are due.
    pub(crate) fn play<D: Directory>(&mut self, now: Instant, endpoint: &mut Endpoint<D>) {
        for (call, extension) in &mut self.calls {
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
                self.calls.remove(&call);
            }
            _ => {}
        }
    }

    /// Hangs up all calls.
    pub(crate) fn stop<D: Directory>(&mut self, now: Instant, endpoint: &mut Endpoint<D>) {
        for call in core::mem::take(&mut self.calls).into_keys() {
            note(endpoint.hangup(now, call, Cause::NORMAL_CLEARING));
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
        match self.extension(now, number, format) {
            Ok(extension) => {
                note(endpoint.answer(now, call));
                self.calls.insert(call, extension);
            }
            Err(cause) => note(endpoint.hangup(now, call, cause)),
        }
    }

    fn extension(&self, now: Instant, number: &str, format: Format) -> Result<Extension, Cause> {
        match number {
            "echo" => Ok(Extension::Echo),
            "music" => Ok(Extension::Music {
                player: Player::new(Arc::clone(&self.music), true, now),
                codec: Codec::of(format).ok_or(Cause::BEARER_UNAVAILABLE)?,
            }),
            _ => Err(Cause::NO_ROUTE_DESTINATION),
        }
    }

    fn is_echo(&self, call: CallId) -> bool {
        matches!(self.calls.get(&call), Some(Extension::Echo))
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
fn note(done: Result<(), iaxproof::engine::Error>) {
    if let Err(error) = done {
        tracing::debug!(%error, "a command came too late");
    }
}
