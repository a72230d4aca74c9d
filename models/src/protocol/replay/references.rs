//! References that come and go: each event's steps.

use super::under_way::{At, Done, Replaying, Strong, made, place, thread_value};
use crate::protocol::state::Value;
use crate::protocol::trace::Change;

impl Replaying<'_> {
    pub(super) fn took(
        &mut self,
        thread: usize,
        object: u32,
        ticket: u32,
        from: Option<u32>,
    ) -> Done {
        let handle = self.new_handle(thread);
        let at = At::Handle(handle);
        match from {
            Some(from) => self.copied(thread, from, handle)?,
            None if !self.is("born", object) => self.made(thread, object, handle)?,
            None => self.upgraded(thread, object, handle)?,
        }
        self.strong.insert(ticket, Strong { object, at });
        Ok(())
    }

    fn made(&mut self, thread: usize, object: u32, handle: u32) -> Done {
        self.nothing_pends_of(thread)?;
        let names = [("h", Value::Element(handle)), ("o", Value::Element(object))];
        let Some(inner) = self.own(thread).to_be.pop() else {
            return self.step("make", &names);
        };
        if !self.own(thread).to_be.is_empty() {
            return Err(format!("{object} is made with two slots"));
        }
        let slotted = self.handle_of(thread, inner)?;
        let settings = self.known(inner)?.object;
        self.is_settings(settings);
        let inner_names = [
            ("s", Value::Element(slotted)),
            ("c", Value::Element(settings)),
        ];
        self.step("make around", &[names, inner_names].concat())?;
        self.release_handle(slotted);
        self.seat(inner, At::Slot(object));
        Ok(())
    }

    fn copied(&mut self, thread: usize, from: u32, handle: u32) -> Done {
        let source = self.known(from)?;
        let observed = Some(self.pending(thread, source.object, Change::Add)?);
        let (object, to) = (Value::Element(source.object), Value::Element(handle));
        if let At::Handle(source) = source.at {
            let names = [("h", Value::Element(source)), ("g", to), ("o", object)];
            return self.step_seeing("clone", &names, observed);
        }
        self.read(thread, from)?;
        self.step_seeing("count", &[("t", thread_value(thread)), ("g", to)], observed)
    }

    fn upgraded(&mut self, thread: usize, object: u32, handle: u32) -> Done {
        let observed = Some(self.pending(thread, object, Change::Exchange)?);
        let names = [("t", thread_value(thread)), ("g", Value::Element(handle))];
        self.step_seeing("upgrade", &names, observed)
    }

    pub(super) fn gave(&mut self, thread: usize, ticket: u32) -> Done {
        let object = self.known(ticket)?.object;
        let observed = self.pending(thread, object, Change::Subtract)?;
        self.ends(thread)?;
        let handle = self.handle_of(thread, ticket)?;
        self.drop(thread, handle, object, "st", observed)?;
        self.strong.remove(&ticket);
        Ok(())
    }

    pub(super) fn gave_weak(&mut self, thread: usize, object: u32, observed: i64) -> Done {
        self.ends(thread)?;
        let handle = self.weak_of(thread, object)?;
        self.drop(thread, handle, object, "wk", observed)?;
        let left = self.weak.entry(object).or_default();
        left.retain(|it| *it != handle);
        Ok(())
    }

    fn drop(&mut self, thread: usize, handle: u32, object: u32, kind: &str, observed: i64) -> Done {
        let names = [
            ("t", thread_value(thread)),
            ("h", Value::Element(handle)),
            ("o", Value::Element(object)),
            ("c", made(kind, object)),
        ];
        self.step_seeing("drop", &names, Some(observed))?;
        self.release_handle(handle);
        Ok(())
    }

    pub(super) fn weakened(&mut self, thread: usize, object: u32, observed: i64) -> Done {
        let is_source = |it: &&Strong| it.object == object && matches!(it.at, At::Handle(_));
        let source = self.strong.values().find(is_source);
        let (step, source) = match source.map(|it| it.at) {
            Some(At::Handle(handle)) => ("downgrade", handle),
            _ => ("clone", self.weak_of(thread, object)?),
        };
        let handle = self.new_handle(thread);
        let names = [
            ("h", Value::Element(source)),
            ("g", Value::Element(handle)),
            ("o", Value::Element(object)),
        ];
        self.step_seeing(step, &names, Some(observed))?;
        self.weak.entry(object).or_default().push(handle);
        Ok(())
    }

    pub(super) fn guess(&mut self, thread: usize, object: u32, count: i64) -> Done {
        let handle = self.weak_of(thread, object)?;
        let names = [
            ("t", thread_value(thread)),
            ("h", Value::Element(handle)),
            ("o", Value::Element(object)),
            ("n", Value::Int(count)),
        ];
        self.step("guess", &names)
    }

    pub(super) fn guess_again(&mut self, thread: usize, _: u32, count: i64) -> Done {
        let names = [("t", thread_value(thread)), ("n", Value::Int(count))];
        self.step_seeing("guess again", &names, Some(count))
    }

    pub(super) fn give_up(&mut self, thread: usize, _: u32, count: i64) -> Done {
        self.step_seeing("give up", &[("t", thread_value(thread))], Some(count))
    }

    pub(super) fn used(&mut self, thread: usize, ticket: u32) -> Done {
        let strong = self.known(ticket)?;
        self.own(thread).used.insert(strong.object, ticket);
        if let At::Handle(handle) = strong.at {
            let names = [
                ("h", Value::Element(handle)),
                ("o", Value::Element(strong.object)),
            ];
            return self.step("use", &names);
        }
        self.read(thread, ticket)?;
        self.step("look", &[("t", thread_value(thread))])
    }

    fn read(&mut self, thread: usize, ticket: u32) -> Done {
        let strong = self.known(ticket)?;
        let names = [
            ("t", thread_value(thread)),
            ("p", place(strong.at)),
            ("o", Value::Element(strong.object)),
        ];
        self.step("read", &names)
    }
}
