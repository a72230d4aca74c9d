//! The objects of one execution and their references, as the ledger tells of them, and what is left of them at the end.

use core::panic::Location;
use std::collections::BTreeMap;

use super::{Context, thread_letter};
use crate::clock::Stamps;
use crate::memory::Memory;
use crate::step::{Operation, Subject};

/// One object of the registry, as the ledger of the explorers sees it.
pub(crate) struct Record {
    pub(crate) kind: &'static str,
    /// Which of the execution's accounts it is in.
    pub(crate) account: u32,
    pub(crate) made_at: &'static Location<'static>,
    pub(crate) destroyed: bool,
    pub(crate) freed: bool,
    pub(crate) held: BTreeMap<u32, &'static Location<'static>>,
    /// Each thread's last access to the memory: its counts, or the object in it.
    pub(super) accesses: Stamps,
}

/// An object whose primitives are being made: they come in the order strong count, weak count, life.
#[derive(Clone, Copy)]
pub(super) struct Making {
    pub(super) object: u32,
    pub(super) atomics: u8,
}

impl Context {
    pub(crate) fn open(
        &mut self,
        kind: &'static str,
        account: u32,
        at: &'static Location<'static>,
    ) -> u32 {
        self.objects.push(Record {
            kind,
            account,
            made_at: at,
            destroyed: false,
            freed: false,
            held: BTreeMap::new(),
            accesses: Stamps::default(),
        });
        let object = u32::try_from(self.objects.len()).unwrap_or(u32::MAX);
        self.making = Some(Making { object, atomics: 0 });
        self.step(Operation::Make, Subject::Object(object), at, Some(1));
        object
    }

    pub(crate) fn record(&mut self, object: u32) -> &mut Record {
        &mut self.objects[object as usize - 1]
    }

    /// The running thread reads or writes the memory of this object; nothing where it is none of the registry's.
    pub(super) fn access(&mut self, object: u32, at: &'static Location<'static>) {
        let (current, now) = (self.current, self.clocks[self.current]);
        let record = self.objects.get_mut((object as usize).wrapping_sub(1));
        if let Some(record) = record {
            record.accesses.add(current, &now, at);
        }
    }

    /// The memory of this object as loom sees it.
    pub(crate) fn memory_of(&self, object: u32) -> Option<Memory> {
        self.memories.get(&object).cloned()
    }

    /// From here on loom sees the memory of this object.
    pub(crate) fn keep_memory(&mut self, object: u32, memory: Memory) {
        self.memories.insert(object, memory);
    }

    /// The memory of the object ends; the report where it may not. Every access must be ordered before it.
    pub(crate) fn free(&mut self, object: u32) -> Option<String> {
        let now = self.clocks[self.current];
        let record = self.record(object);
        record.freed = true;
        let (thread, at) = record.accesses.unordered_with(&now)?;
        let (name, letter) = (self.object_name(object), thread_letter(thread));
        Some(format!(
            "what {letter} did to the memory of {name} at {at} is not ordered before the end of that memory"
        ))
    }

    pub(crate) fn next_ticket(&mut self) -> u32 {
        self.tickets_made += 1;
        self.tickets_made
    }

    pub(crate) fn object_name(&self, object: u32) -> String {
        match self.objects.get((object as usize).wrapping_sub(1)) {
            Some(record) => format!("{} #{object}", record.kind),
            None => "an unnamed object".into(),
        }
    }

    /// What is left of the objects, if anything.
    pub(super) fn leak(&self) -> Option<String> {
        let mut text = String::new();
        for (index, record) in self.objects.iter().enumerate() {
            let name = self.object_name(u32::try_from(index + 1).unwrap_or(0));
            for at in record.held.values() {
                text.push_str(&format!(
                    "{name}, made at {}, is held since {at}; ",
                    record.made_at
                ));
            }
            if !record.destroyed && record.held.is_empty() {
                text.push_str(&format!(
                    "{name}, made at {}, was never destroyed; ",
                    record.made_at
                ));
            }
            if record.destroyed && !record.freed {
                text.push_str(&format!(
                    "{name}, made at {}: a weak reference is left; ",
                    record.made_at
                ));
            }
        }
        (!text.is_empty()).then(|| text.trim_end_matches("; ").to_owned())
    }
}
