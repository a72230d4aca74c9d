//! One actor of a recording, played again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use iaxproof::catalog::Catalog;
use iaxproof::engine::settings::{Configuration, General, Settings};
use iaxproof::engine::{Endpoint, EndpointOptions, Route, WorkerId, Workers};
use iaxproof::registry::HashKey;
use iaxproof::time::Instant;

use crate::error::Error;
use crate::record::Taped;
use crate::record::file::{Entry, Header, Recorded, Sum};
use crate::record::hand::{Actor, Parted, replay};
use crate::record::input::{Input, Piece};
use crate::record::order::Order;
use crate::record::output::Output;
use crate::serve::application::Application;
use crate::serve::business::{Business, Served};
use crate::serve::dialplan::Dialplan;
use crate::serve::{catalog, options, own_music};

/// What all actors share.
pub(super) struct Stage {
    pub(super) catalog: Arc<Catalog<Taped>>,
    /// The entries of the last configuration.
    before: Mutex<Vec<Settings>>,
    options: EndpointOptions,
    music: Arc<[i16]>,
    dialplan: Arc<Dialplan>,
}

/// How far an actor came.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) sum: Sum,
    /// Why it did not come to the end.
    pub(super) stop: Option<Stop>,
}

/// Where an actor left the recording.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) input: &'static str,
    pub(super) at: Option<Instant>,
    pub(super) why: Parted,
}

impl Played {
    /// The harness itself panicked.
    pub(super) fn broken() -> Self {
        Played {
            sum: Sum::default(),
            stop: Some(unreadable()),
        }
    }
}

impl Stage {
    /// Before anything is done.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] for a recording whose beginning makes no sense.
    pub(super) fn of(header: &Header) -> Result<Self, Error> {
        let dialplan = Dialplan::of_rules(header.rules.clone());
        let senseless = || Error::Broke("the recording has extensions that are none".to_owned());
        let hash_key = HashKey(header.hash_key.0, header.hash_key.1);
        let catalog = catalog(hash_key, header.token_key.clone(), header.has_database);
        Ok(Stage {
            catalog: Arc::new(catalog),
            before: Mutex::default(),
            options: EndpointOptions {
                unix_time_at_zero: header.unix_time_at_zero,
                ..options(header.ping_interval, header.lagrq_interval)
            },
            music: music(header)?,
            dialplan: Arc::new(dialplan.ok_or_else(senseless)?),
        })
    }

    /// Plays an actor as far as it goes.
    pub(super) fn play(
        &self,
        recorded: &Recorded,
        actor: Actor,
        order: &Arc<Order>,
        done: &AtomicU64,
    ) -> Played {
        let mut player = Player {
            stage: self,
            worker: self.worker(&recorded.header, actor),
            sum: Sum::default(),
            scratch: Vec::new(),
        };
        let mut stop = None;
        for entry in recorded.entries(actor) {
            stop = match entry {
                Some(entry) => player.step(actor, order, entry).err(),
                None => Some(unreadable()),
            };
            if stop.is_some() {
                order.over();
                break;
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
        order.done();
        Played {
            sum: player.sum,
            stop,
        }
    }

    /// The worker that the actor is, if it is one.
    pub(super) fn worker(&self, header: &Header, actor: Actor) -> Option<Worker> {
        let seeds = &header.seeds;
        let mut ids = (0..seeds.len() as u16).map(WorkerId);
        let id = ids.find(|id| Actor::worker(*id) == actor)?;
        let seed = seeds.get(usize::from(id.0))?;
        let options = EndpointOptions {
            workers: Workers::new(id, seeds.len() as u16),
            ..self.options.clone()
        };
        let application = Application::new(Arc::clone(&self.music), Arc::clone(&self.dialplan));
        Some(Worker {
            endpoint: Endpoint::new(options, *seed, Arc::clone(&self.catalog)),
            business: Business::new(application, id == WorkerId(0)),
        })
    }

    /// What is done to the catalog alone. `None` for an input of a worker.
    fn act(&self, input: Input) -> Option<Vec<Output>> {
        let output = match input {
            Input::Restored { write, now } => {
                self.catalog.restore(write, now);
                None
            }
            Input::Reload { general, entries } => {
                self.catalog.reload(self.configuration(*general, entries)?);
                None
            }
            Input::PollWrite {} => self
                .catalog
                .poll_write()
                .map(|it| Output::ToWrite(Some(it))),
            Input::PollQuestion {} => {
                let question = self.catalog.poll_question();
                question.map(|it| Output::ToAsk(Some(it)))
            }
            Input::Answer { query, answer, now } => {
                self.catalog.answer(query, *answer, now);
                None
            }
            Input::Wrote {
                name,
                generation,
                is_stored,
            } => {
                match is_stored {
                    true => self.catalog.stored(name.as_str(), generation),
                    false => self.catalog.not_stored(name.as_str(), generation),
                }
                None
            }
            Input::Prune { role, name } => Some(Output::Pruned(self.catalog.prune(role, &name))),
            Input::Unregister { name } => {
                Some(Output::Unregistered(self.catalog.unregister(&name)))
            }
            _ => return None,
        };
        Some(output.into_iter().collect())
    }

    /// A configuration with what stands where it stood before; `None` where nothing stood there.
    fn configuration(&self, general: General, pieces: Vec<Piece>) -> Option<Configuration> {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Vec::new();
        for piece in pieces {
            match piece {
                Piece::New(settings) => entries.push(*settings),
                Piece::Same(count) => {
                    let same = entries.len()..entries.len() + count;
                    entries.extend_from_slice(before.get(same)?);
                }
            }
        }
        before.clone_from(&entries);
        Some(Configuration { general, entries })
    }
}

fn music(header: &Header) -> Result<Arc<[i16]>, Error> {
    let Some(octets) = &header.music else {
        return own_music();
    };
    let (samples, _) = octets.as_chunks::<2>();
    Ok(samples.iter().map(|it| i16::from_le_bytes(*it)).collect())
}

fn unreadable() -> Stop {
    Stop {
        input: "?",
        at: None,
        why: Parted::Here("what was recorded of it cannot be read".to_owned()),
    }
}

/// A worker without sockets and clock.
pub(super) struct Worker {
    endpoint: Served<Taped>,
    business: Business,
}

impl Worker {
    /// What the worker does, in the order in which it does it. `None` for an input that is not a worker's.
    pub(super) fn act(&mut self, input: Input) -> Option<Vec<Output>> {
        let mut outputs = Vec::new();
        let endpoint = &mut self.endpoint;
        match input {
            Input::Came { now, from, octets } => {
                let route = endpoint.route(from, &octets);
                let is_here = !matches!(route, Route::There(_));
                if route != Route::Here {
                    outputs.push(Output::Routed(route));
                }
                if is_here {
                    endpoint.handle_datagram(now, from, &octets);
                }
            }
            Input::Handed {
                now,
                from,
                octets,
                is_last,
            } => match is_last || endpoint.keeps(from, &octets) {
                true => endpoint.handle_datagram(now, from, &octets),
                false => outputs.push(Output::Kept(false)),
            },
            Input::Timeout { now } => endpoint.handle_timeout(now),
            Input::Turn { now } => {
                let hear = |event: &_| outputs.push(Output::Told(Clone::clone(event)));
                self.business.turn(now, endpoint, None, hear);
            }
            Input::Answered { now, query } => endpoint.handle_answer(now, query),
            Input::Stored { now, change } => endpoint.handle_stored(now, &change),
            Input::Reloaded { now, registrations } => {
                self.business.reloaded(now, endpoint, registrations);
            }
            Input::Extensions { rules } => {
                self.business.follow(Arc::new(Dialplan::of_rules(rules)?));
            }
            Input::TokenKey { now, key } => endpoint.directory().rotate_token_key(key, now),
            Input::Stopping { now } => self.business.stop(now, endpoint),
            Input::Shutdown { now } => endpoint.shutdown(now),
            _ => return None,
        }
        while let Some(transmit) = endpoint.poll_transmit() {
            outputs.push(Output::Sent(transmit));
        }
        Some(outputs)
    }
}

/// An actor on its way.
struct Player<'a> {
    stage: &'a Stage,
    worker: Option<Worker>,
    sum: Sum,
    scratch: Vec<u8>,
}

impl Player<'_> {
    fn step(&mut self, actor: Actor, order: &Arc<Order>, entry: Entry) -> Result<(), Stop> {
        let Entry {
            input,
            switches,
            check,
        } = entry;
        let (name, at) = (input.name(), input.at());
        let stop = |why| Stop {
            input: name,
            at,
            why,
        };
        let (stage, worker) = (self.stage, &mut self.worker);
        let outputs = replay(actor, order, switches, || match worker {
            Some(worker) => worker.act(input),
            None => stage.act(input),
        });
        let outputs = outputs.map_err(stop)?;
        let outputs = outputs.ok_or_else(|| stop(senseless()))?;
        self.sum.inputs += 1;
        for output in &outputs {
            self.sum.hash = output.fold(self.sum.hash, &mut self.scratch);
        }
        let came = (!outputs.is_empty()).then_some(self.sum.hash as u32);
        match came == check {
            true => Ok(()),
            false => Err(stop(Parted::Here(difference(&outputs, check)))),
        }
    }
}

fn senseless() -> Parted {
    Parted::Here("it is nothing that this actor can be given".to_owned())
}

/// What came instead of what was recorded, of which there is a hash alone.
fn difference(outputs: &[Output], check: Option<u32>) -> String {
    let came: Vec<String> = outputs.iter().map(|it| format!("{it:?}")).collect();
    match check {
        None => format!(
            "nothing came of it when it was recorded, and now {}",
            came.join("; ")
        ),
        Some(_) if came.is_empty() => {
            "something came of it when it was recorded, and now nothing".to_owned()
        }
        Some(_) => format!("something else came of it than now: {}", came.join("; ")),
    }
}
