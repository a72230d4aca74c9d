//! What nobody says and a server must have: seeds and keys from the operating system. A recording has them too, or it could not be replayed.

use std::sync::Arc;

use iaxproof::config::Parsed;
use iaxproof::engine::directory::TokenKey;
use iaxproof::registry::HashKey;

use super::ServeArgs;
use super::dialplan::Dialplan;
use crate::audio::wav;
use crate::clock::Clock;
use crate::error::Error;
use crate::net::random;
use crate::record::file::{BUILD, Header};
use crate::record::hand::Actor;
use crate::record::tape::Tape;
use crate::record::writer::Taping;

/// What is random.
pub(super) struct Chosen {
    pub(super) hash_key: HashKey,
    pub(super) token_key: TokenKey,
    /// One for each worker.
    pub(super) seeds: Vec<[u8; 32]>,
}

/// The recording, if there is to be one.
pub(super) struct MayTape(Option<Taping>);

impl MayTape {
    /// An actor's end of it; a blank one where there is none.
    pub(super) fn tape(&self, actor: Actor) -> Tape {
        let taping = self.0.as_ref();
        taping.map(|taping| taping.tape(actor)).unwrap_or_default()
    }

    /// All actors have stopped.
    pub(super) fn finish(self) {
        if let Some(taping) = self.0 {
            taping.finish();
        }
    }
}

impl Chosen {
    /// For so many workers.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the operating system has no randomness.
    pub(super) fn new(workers: u16) -> Result<Self, Error> {
        let [a, b] = [random()?, random()?].map(u64::from_ne_bytes);
        let seeds = (0..workers).map(|_| random());
        Ok(Chosen {
            hash_key: HashKey(a, b),
            token_key: TokenKey(random()?),
            seeds: seeds.collect::<Result<_, _>>()?,
        })
    }

    /// Begins the recording that `--record` asks for.
    ///
    /// # Errors
    ///
    /// Where the file cannot be made.
    pub(super) fn record(
        &self,
        args: &ServeArgs,
        clock: Clock,
        parsed: &Parsed,
        dialplan: &Arc<Dialplan>,
    ) -> Result<MayTape, Error> {
        let Some(path) = &args.record else {
            return Ok(MayTape(None));
        };
        let music = args.music.as_deref().map(wav::read).transpose()?;
        let header = Header {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: BUILD.to_owned(),
            unix_time_at_zero: clock.unix_at_zero(),
            ping_interval: parsed.serving.ping_interval,
            lagrq_interval: parsed.serving.lagrq_interval,
            hash_key: (self.hash_key.0, self.hash_key.1),
            token_key: self.token_key.clone(),
            has_database: args.database.is_some(),
            seeds: self.seeds.clone(),
            rules: dialplan.rules(),
            music: music.map(|samples| samples.into_iter().flat_map(i16::to_le_bytes).collect()),
        };
        tracing::info!(file = %path.display(), "recording");
        Taping::begin(path, header).map(|taping| MayTape(Some(taping)))
    }
}
