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
//! - [`Aliases`], here: what is changed. [`secrets`]: which alias is whose. [`frames`]: frames in clear;
//!   [`elements`]: what is in one. [`tokens`]: call tokens.

mod elements;
mod frames;
mod secrets;
mod tokens;

use core::net::SocketAddr;

use iaxproof::catalog::Answer;
use iaxproof::config::Registration;
use iaxproof::engine::Transmit;
use iaxproof::engine::directory::TokenKey;
use iaxproof::engine::settings::{Configuration, Encryption, General, Secret, Settings};
use iaxproof::time::Instant;

use self::frames::Frames;
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

/// What cannot be recorded: the key of an encrypted call is made of its secret, and every octet of it depends on that.
pub(crate) const ENCRYPTED: &str = "calls may be encrypted (`encryption`, `forceencryption`), and those cannot be recorded without their secrets";

/// Whether a configuration, or a row of a database, has calls encrypted.
pub(crate) fn encrypts(configuration: &Configuration) -> bool {
    let entries = configuration.entries.iter();
    general_encrypts(&configuration.general) || entries.into_iter().any(entry_encrypts)
}

/// The same of an answer of the database.
pub(crate) fn answer_encrypts(answer: &Answer) -> bool {
    matches!(answer, Answer::Row(row) if entry_encrypts(&row.settings))
}

fn general_encrypts(general: &General) -> bool {
    general.defaults.encryption != Encryption::Off
}

fn entry_encrypts(settings: &Settings) -> bool {
    let encryption = settings.encryption.max(settings.said.encryption);
    encryption != Encryption::Off
}

/// All aliases of one recording.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    secrets: Secrets,
    tokens: Tokens,
    frames: Frames,
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

    /// Changes an input.
    pub(crate) fn input(&mut self, input: &mut Input) {
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
            Input::Came { octets, .. } | Input::Handed { octets, .. } => {
                let changed = self.frames.came(octets, &self.secrets, &self.tokens);
                if let Some(changed) = changed {
                    *octets = changed.into();
                }
            }
            _ => {}
        }
    }

    /// Changes what came of an input of this time.
    pub(crate) fn output(&mut self, now: Instant, output: &mut Output) {
        if let Output::Sent(Transmit {
            destination,
            payload,
        }) = output
        {
            let to: (Instant, SocketAddr) = (now, *destination);
            let changed = self
                .frames
                .sent(to, payload, &self.secrets, &mut self.tokens);
            if let Some(changed) = changed {
                *payload = changed;
            }
        }
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
