//! Other secrets for those that a server has, and everything that proves them changed to fit, so that a recording replays and tells nothing.
//!
//! Each secret has one alias, in the order in which they are seen: nothing of the secret is in it. What was right with the secret is right with the
//! alias: an MD5 RESULT is computed anew from the challenge, a PASSWORD put in its place, a token of ours issued anew under another key. What was
//! wrong is put out, for it may be a secret of somebody else, and is wrong still. So a replay sends and receives, octet for octet, what the
//! server would have, had the aliases been its secrets.
//!
//! It is all done by the thread that writes, which sees what every worker was given and sent in an order in which a challenge comes before
//! its answer.
//!
//! An encrypted call has a key that is made of a secret and a challenge, so there is an alias of the key too: what was sealed with the one is opened
//! and sealed with the other, as are the hexadecimal digits of the key in an AUTHREP and the keys that an RTKEY brings.
//!
//! - [`Aliases`], here: what is changed. [`secrets`]: which alias is whose. [`frames`]: frames in clear; [`elements`]: what is in one.
//!   [`tokens`]: call tokens.
//! - [`sealed`]: which calls are encrypted; [`keys`]: those of one call; [`cipher`]: one datagram.

mod cipher;
mod elements;
mod frames;
mod keys;
mod sealed;
mod secrets;
mod tokens;

use core::net::SocketAddr;

use iaxproof::catalog::Answer;
use iaxproof::config::Registration;
use iaxproof::engine::cipher::is_sealed;
use iaxproof::engine::directory::TokenKey;
use iaxproof::engine::settings::{Configuration, General, Secret, Settings};
use iaxproof::engine::{Route, Transmit};
use iaxproof::time::Instant;
use iaxproof::wire::Head;

use self::frames::Frames;
use self::sealed::Sealed;
use self::secrets::Secrets;
use self::tokens::Tokens;
use super::input::{Input, Piece};
use super::output::Output;

/// What other actors may use as soon as it is in force, so that it is to be known before.
#[derive(Debug)]
pub(crate) enum Known {
    /// Secrets, each with the name that it is under.
    Secrets(Vec<(String, Secret)>),
    /// A key of call tokens.
    TokenKey(TokenKey),
}

impl Known {
    /// The secrets of a configuration.
    pub(crate) fn of(configuration: &Configuration) -> Self {
        let entries = configuration.entries.iter();
        Known::Secrets(entries.flat_map(named).collect())
    }

    /// The secrets of an answer of the database.
    pub(crate) fn of_answer(answer: &Answer) -> Self {
        Known::Secrets(match answer {
            Answer::Row(row) => named(&row.settings).collect(),
            Answer::Absent | Answer::Failed => Vec::new(),
        })
    }
}

fn named(settings: &Settings) -> impl Iterator<Item = (String, Secret)> {
    let secrets = settings.secrets.iter().cloned();
    secrets.map(|secret| (settings.name.as_str().to_owned(), secret))
}

/// All aliases of one recording.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    secrets: Secrets,
    tokens: Tokens,
    frames: Frames,
    sealed: Sealed,
}

impl Aliases {
    /// Takes note of what will be used.
    pub(crate) fn learn(&mut self, known: &Known) {
        match known {
            Known::Secrets(secrets) => {
                for (name, secret) in secrets {
                    self.secrets.learn(name, secret);
                }
            }
            Known::TokenKey(key) => drop(self.tokens.learn(key)),
        }
    }

    /// Another key for the first one of the call tokens.
    pub(crate) fn key(&mut self, key: &TokenKey) -> TokenKey {
        self.tokens.learn(key)
    }

    /// Changes an input, of which this came.
    pub(crate) fn input(&mut self, input: &mut Input, outputs: &[Output]) {
        match input {
            Input::Reload { entries, .. } => {
                for entry in entries {
                    if let Piece::New(settings) = entry {
                        self.settings(settings);
                    }
                }
            }
            Input::Answer { answer, .. } => {
                if let Answer::Row(row) = &mut **answer {
                    self.settings(&mut row.settings);
                }
            }
            Input::Reloaded { registrations, .. } => {
                registrations
                    .iter_mut()
                    .for_each(|it| self.registration(it));
            }
            Input::TokenKey { key, .. } => *key = self.tokens.learn(key),
            Input::Came { now, from, octets }
            | Input::Handed {
                now, from, octets, ..
            } => {
                let changed = match is_elsewhere(outputs, octets) {
                    true => Some(keys::filled(octets, 0)),
                    false => self.came((*now, *from), octets),
                };
                if let Some(changed) = changed {
                    *octets = changed.into();
                }
            }
            _ => {}
        }
    }

    fn came(&mut self, from: (Instant, SocketAddr), octets: &[u8]) -> Option<Vec<u8>> {
        let sealed = self.sealed.came(from, octets, &self.tokens);
        sealed.or_else(|| self.frames.came(octets, &self.secrets, &self.tokens))
    }

    /// Changes what came of an input of this time.
    pub(crate) fn output(&mut self, now: Instant, output: &mut Output) {
        if let Output::Sent(Transmit {
            destination,
            payload,
        }) = output
        {
            let to: (Instant, SocketAddr) = (now, *destination);
            if let Some(changed) = self.sent(to, payload) {
                *payload = changed;
            }
        }
    }

    fn sent(&mut self, to: (Instant, SocketAddr), octets: &[u8]) -> Option<Vec<u8>> {
        let sealed = self.sealed.sent(to, octets, &self.secrets);
        sealed.or_else(|| {
            self.frames
                .sent(to, octets, &self.secrets, &mut self.tokens)
        })
    }

    /// What nobody reads is left out as well: it may hold secrets too.
    fn settings(&mut self, settings: &mut Settings) {
        settings.carried = Vec::new();
        settings.general = General::default();
        let name = settings.name.as_str();
        for secret in &mut settings.secrets {
            *secret = self.secrets.learn(name, secret);
        }
    }

    fn registration(&mut self, registration: &mut Registration) {
        if let Some(secret) = &mut registration.secret {
            *secret = self.secrets.learn(&registration.username, secret);
        }
    }
}

/// Whether a datagram that may be sealed is another worker's, which has it as an input of its own: of this one's only the call numbers count, and the
/// other may not have said yet which keys there are.
fn is_elsewhere(outputs: &[Output], octets: &[u8]) -> bool {
    let is_routed = |output: &Output| matches!(output, Output::Routed(Route::There(_)));
    is_sealed(octets) && Head::peek(octets).is_some() && outputs.iter().any(is_routed)
}

#[cfg(test)]
mod tests {
    use iaxproof::engine::WorkerId;

    use super::*;

    /// It may come here before the worker that it is for has said that there is a key.
    #[test]
    fn of_what_is_another_workers_nothing_is_left_that_may_be_sealed() {
        let mut aliases = Aliases::default();
        let sealed = [&b"\x80\x09\x40\x05"[..], &[0xa5; 32]].concat();
        let meta = [&b"\x00\x00"[..], &[0xa5; 32]].concat();
        let there = Output::Routed(Route::There(WorkerId(1)));
        let shared = Output::Routed(Route::Shared(vec![WorkerId(1)]));
        let mut recorded = |octets: &[u8], output: &Output| {
            let mut input = Input::Came {
                now: Instant::ZERO,
                from: ([192, 0, 2, 1], 4569).into(),
                octets: octets.into(),
            };
            aliases.input(&mut input, core::slice::from_ref(output));
            match input {
                Input::Came { octets, .. } => octets.into_vec(),
                other => panic!("{other:?}"),
            }
        };
        let filled = [&sealed[..4], &[b'x'; 32]].concat();
        assert_eq!(recorded(&sealed, &there), filled);
        assert_eq!(recorded(&sealed, &Output::Kept(true)), sealed);
        // Whose a trunk frame is depends on all of it.
        assert_eq!(recorded(&meta, &shared), meta);
        assert_eq!(recorded(&meta, &there), meta);
        assert_eq!(recorded(&sealed[..35], &there), sealed[..35]);
    }
}
