//! The thread that writes a recording: it puts aliases in the place of secrets, folds what came of inputs into hashes, and flushes whenever nothing
//! waits.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use iaxproof::engine::settings::Settings;
use iaxproof::time::Instant;

use super::alias::Aliases;
use super::coded::Coded;
use super::file::{self, Entry, Frame, Header, Sum};
use super::hand::Actor;
use super::input::{Input, Piece};
use super::output::Output;
use super::tape::{Done, Item, State, Tape};
use crate::error::Error;

/// Turns of actors that wait to be written, each of at most some dozens of datagrams: some seconds of a busy server.
const WAITING_MAX: usize = 1 << 12;
/// Turns from one flush to the next, at most.
const TURNS_PER_FLUSH: usize = 256;
/// How soon the end of a recording is noticed where nobody says anything.
const LOOK: Duration = Duration::from_millis(100);

/// A recording under way.
#[derive(Debug)]
pub(crate) struct Taping {
    thread: JoinHandle<()>,
    to: SyncSender<Item>,
    state: Arc<State>,
}

impl Taping {
    /// Begins a recording in this file, which only its owner may read.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file cannot be made, [`Error::Broke`] where the system has no thread for us.
    pub(crate) fn begin(path: &Path, header: Header) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let file = options
            .open(path)
            .map_err(Error::io("cannot write", path))?;
        let (to, items) = sync_channel(WAITING_MAX);
        let state = Arc::new(State::default());
        let mut writer = Writer {
            file: BufWriter::new(file),
            aliases: Aliases::default(),
            before: Vec::new(),
            sums: BTreeMap::new(),
            frames: 0,
            content: Vec::new(),
            scratch: Vec::new(),
        };
        let begun = writer.begin(header);
        begun.map_err(Error::io("cannot write", path))?;
        let of_thread = Arc::clone(&state);
        let body = move || {
            if let Err(error) = writer.run(&items, &of_thread) {
                of_thread.end(format!("it cannot be written: {error}"));
            }
        };
        let thread = std::thread::Builder::new().name("record".to_owned());
        let spawned = thread.spawn(body);
        let thread = spawned.map_err(|error| Error::Broke(format!("no record thread: {error}")))?;
        Ok(Taping { thread, to, state })
    }

    /// The end of an actor.
    pub(crate) fn tape(&self, actor: Actor) -> Tape {
        Tape::of(actor, self.to.clone(), Arc::clone(&self.state))
    }

    /// Waits until all is on its way to the disk. What actors say from here on is not recorded.
    pub(crate) fn finish(self) {
        // Where it has ended, nobody takes this.
        let _ = self.to.send(Item::End);
        let _ = self.thread.join();
    }
}

struct Writer {
    file: BufWriter<File>,
    aliases: Aliases,
    /// The entries of the last configuration.
    before: Vec<Settings>,
    sums: BTreeMap<Actor, Sum>,
    frames: u64,
    content: Vec<u8>,
    scratch: Vec<u8>,
}

impl Writer {
    fn begin(&mut self, header: Header) -> std::io::Result<()> {
        self.file.write_all(&file::beginning())?;
        let token_key = self.aliases.key(&header.token_key);
        let header = Header {
            token_key,
            ..header
        };
        header.write(&mut self.content);
        self.frame()?;
        self.file.flush()
    }

    fn run(&mut self, items: &Receiver<Item>, state: &State) -> std::io::Result<()> {
        loop {
            let first = match items.recv_timeout(LOOK) {
                Ok(first) => first,
                Err(RecvTimeoutError::Timeout) if !state.is_over() => continue,
                Err(_) => return self.close(state),
            };
            let more = items.try_iter().take(TURNS_PER_FLUSH);
            for item in core::iter::once(first).chain(more) {
                match item {
                    Item::Known(known) => self.aliases.learn(&known),
                    Item::Done(actor, done) => self.write(actor, done)?,
                    Item::End => return self.close(state),
                }
            }
            self.file.flush()?;
        }
    }

    /// The last frame.
    fn close(&mut self, state: &State) -> std::io::Result<()> {
        let sums = core::mem::take(&mut self.sums);
        let last = match state.why() {
            Some(why) => Frame::Gap(why),
            None => Frame::End(sums.into_iter().collect()),
        };
        last.write(&mut self.content);
        self.frame()?;
        self.file.flush()
    }

    fn write(&mut self, actor: Actor, all: Vec<Done>) -> std::io::Result<()> {
        let mut sum = self.sums.get(&actor).copied().unwrap_or_default();
        Frame::Inputs(actor, all.len() as u64).write(&mut self.content);
        for done in all {
            let entry = self.entry(&mut sum, done);
            entry.write(&mut self.content);
        }
        self.sums.insert(actor, sum);
        self.frame()
    }

    /// What is recorded of an input.
    fn entry(&mut self, sum: &mut Sum, done: Done) -> Entry {
        let Done {
            mut input,
            switches,
            outputs,
        } = done;
        self.aliases.input(&mut input, &outputs);
        self.leave_out(&mut input);
        sum.inputs += 1;
        let check = (!outputs.is_empty()).then(|| {
            // Only a token depends on it, and those go out for datagrams, which have a time.
            let now = input.at().unwrap_or_default();
            for output in outputs {
                sum.hash = self.folded(sum.hash, now, output);
            }
            sum.hash as u32
        });
        Entry {
            input,
            switches,
            check,
        }
    }

    fn folded(&mut self, hash: u64, now: Instant, mut output: Output) -> u64 {
        self.aliases.output(now, &mut output);
        output.fold(hash, &mut self.scratch)
    }

    /// Of a configuration, what stands where it stood before is not written again.
    fn leave_out(&mut self, input: &mut Input) {
        let Input::Reload { entries, .. } = input else {
            return;
        };
        let all = core::mem::take(entries);
        let mut now = Vec::with_capacity(all.len());
        for (place, piece) in all.into_iter().enumerate() {
            let Piece::New(settings) = piece else {
                continue;
            };
            let is_same = self.before.get(place) == Some(&*settings);
            now.push((*settings).clone());
            match entries.last_mut() {
                Some(Piece::Same(count)) if is_same => *count += 1,
                _ if is_same => entries.push(Piece::Same(1)),
                _ => entries.push(Piece::New(settings)),
            }
        }
        self.before = now;
    }

    fn frame(&mut self) -> std::io::Result<()> {
        self.scratch.clear();
        file::frame(self.frames, &self.content, &mut self.scratch);
        self.frames += 1;
        self.content.clear();
        self.file.write_all(&self.scratch)
    }
}
