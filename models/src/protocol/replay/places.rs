//! Locks, and the places that they guard: each event's steps.

use std::collections::BTreeSet;

use super::under_way::{At, Done, Replaying, index, made, place, thread_value, var};
use crate::protocol::state::Value;
use crate::protocol::vocabulary::CONSTRUCTORS;

impl Replaying<'_> {
    pub(super) fn lock(&mut self, thread: usize, lock: u32, within: Option<u32>) -> Done {
        let me = thread_value(thread);
        let Some(object) = within else {
            self.ends(thread)?;
            return self.step("lock a shard", &[("t", me), ("s", Value::Element(lock))]);
        };
        if *self.locks.entry(object).or_insert(lock) != lock {
            return Err(format!("{object} has two locks"));
        }
        if self.doomed(thread) == Some(object) {
            return self.step("enter", &[("t", me)]);
        }
        self.ends(thread)?;
        let used = self.own(thread).used.get(&object).copied();
        let used = used.ok_or_else(|| format!("{object} is locked through no reference"))?;
        let handle = self.handle_of(thread, used)?;
        let names = [
            ("t", me),
            ("h", Value::Element(handle)),
            ("o", Value::Element(object)),
        ];
        self.step("lock an object", &names)
    }

    pub(super) fn unlock(&mut self, thread: usize, lock: u32) -> Done {
        let held = self.state.get(var("lk"), &[thread_value(thread)]);
        let own = match held {
            Value::Made(made, of) if CONSTRUCTORS[made].name == "E" => self.locks.get(&of).copied(),
            Value::Made(_, shard) => Some(shard),
            _ => None,
        };
        if own != Some(lock) {
            return Err(format!("{lock} is unlocked and {own:?} was locked"));
        }
        let step = if self.pc(thread) == Value::Pc("Open") {
            "leave"
        } else {
            "unlock"
        };
        self.step(step, &[("t", thread_value(thread))])
    }

    pub(super) fn linked(&mut self, thread: usize, ticket: u32, hash: u64) -> Done {
        let lock = self.lock_held(thread)?;
        let link = self.free_link(lock, hash);
        self.put(thread, ticket, At::Link(link))
    }

    pub(super) fn slotted(&mut self, thread: usize, ticket: u32, within: Option<u32>) -> Done {
        let Some(object) = within else {
            self.own(thread).to_be.push(ticket);
            return self.known(ticket).map(drop);
        };
        let settings = self.known(ticket)?.object;
        self.is_settings(settings);
        self.put(thread, ticket, At::Slot(object))
    }

    fn put(&mut self, thread: usize, ticket: u32, at: At) -> Done {
        let handle = self.handle_of(thread, ticket)?;
        self.with_handle("put", thread, ticket, handle, at)?;
        self.release_handle(handle);
        self.seat(ticket, at);
        Ok(())
    }

    /// A step of a reference that is a local variable and a place under the lock.
    fn with_handle(
        &mut self,
        step: &'static str,
        thread: usize,
        ticket: u32,
        handle: u32,
        at: At,
    ) -> Done {
        let object = self.known(ticket)?.object;
        let names = [
            ("t", thread_value(thread)),
            ("h", Value::Element(handle)),
            ("p", place(at)),
            ("o", Value::Element(object)),
        ];
        self.step(step, &names)
    }

    pub(super) fn unseated(&mut self, thread: usize, ticket: u32) -> Done {
        let strong = self.known(ticket)?;
        let handle = self.new_handle(thread);
        let (me, to) = (thread_value(thread), Value::Element(handle));
        match strong.at {
            At::Handle(_) => return self.left_before_birth(thread, ticket),
            At::Slot(object) if self.doomed(thread) == Some(object) => {
                self.step("empty", &[("t", me), ("g", to)])?;
            }
            at => self.step("take", &[("t", me), ("p", place(at)), ("g", to)])?,
        }
        self.seat(ticket, At::Handle(handle));
        Ok(())
    }

    /// A slot whose object was never made gives its reference back.
    fn left_before_birth(&mut self, thread: usize, ticket: u32) -> Done {
        let to_be = &mut self.own(thread).to_be;
        let before = to_be.len();
        to_be.retain(|it| *it != ticket);
        let was_there = to_be.len() < before;
        let none = || format!("{ticket} is taken out of no place");
        was_there.then_some(()).ok_or_else(none)
    }

    pub(super) fn reseated(&mut self, thread: usize, new: u32, old: u32) -> Done {
        let at = self.known(old)?.at;
        if matches!(at, At::Handle(_)) {
            return Err(format!("{old} is replaced in no place"));
        }
        let settings = self.known(new)?.object;
        if matches!(at, At::Slot(_)) {
            self.is_settings(settings);
        }
        let handle = self.handle_of(thread, new)?;
        self.with_handle("replace", thread, new, handle, at)?;
        self.seat(new, at);
        self.seat(old, At::Handle(handle));
        Ok(())
    }

    pub(super) fn missed(&mut self, thread: usize, hash: u64) -> Done {
        let lock = self.lock_held(thread)?;
        self.free_link(lock, hash);
        let of_hash = (lock, hash, 0)..=(lock, hash, u32::MAX);
        let links: Vec<u32> = self.links.range(of_hash).map(|(_, link)| *link).collect();
        let mut links = links.into_iter();
        links.try_for_each(|link| self.step("miss", &[("n", Value::Element(link))]))
    }

    /// Marks or unmarks every link at which something stands.
    pub(super) fn mark(&mut self, step: &'static str) -> Done {
        let linked = self.strong.values().filter_map(|it| match it.at {
            At::Link(link) => Some(link),
            _ => None,
        });
        let linked: BTreeSet<u32> = linked.collect();
        let mut linked = linked.into_iter();
        linked.try_for_each(|link| self.step(step, &[("n", Value::Element(link))]))
    }

    /// The shard whose lock the thread holds.
    fn lock_held(&self, thread: usize) -> Result<u32, String> {
        match self.state.get(var("lk"), &[thread_value(thread)]) {
            Value::Made(made, shard)
                if CONSTRUCTORS[made].name == "Sh" && self.pc(thread) == Value::Pc("Crit") =>
            {
                Ok(shard)
            }
            _ => Err("a link is touched without its container's lock".into()),
        }
    }

    /// The first link of this lock and hash at which nothing stands.
    fn free_link(&mut self, lock: u32, hash: u64) -> u32 {
        for nth in 0.. {
            let shards = &mut self.fixed.shards;
            let link = *self.links.entry((lock, hash, nth)).or_insert_with(|| {
                shards.push(lock);
                index(shards.len() - 1)
            });
            if self.state.get(var("at"), &[place(At::Link(link))]) == made("nul", 0) {
                return link;
            }
        }
        unreachable!("there are fewer links than numbers")
    }
}
