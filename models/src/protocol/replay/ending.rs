//! Objects that end: each event's steps.

use super::under_way::{Done, Replaying, made, thread_value, var};
use crate::protocol::state::Value;

impl Replaying<'_> {
    pub(super) fn destroyed(&mut self, thread: usize, object: u32) -> Done {
        let due = self.state.get(var("victim"), &[thread_value(thread)]);
        if due != made("st", object) {
            return Err(format!("{object} is destroyed, and {due:?} is due"));
        }
        self.step("destroy", &[("t", thread_value(thread))])
    }

    /// The destructor is done, where one runs: what the thread does now comes after it.
    pub(super) fn ends(&mut self, thread: usize) -> Done {
        let Some(object) = self.doomed(thread) else {
            return Ok(());
        };
        let handle = self.new_handle(thread);
        let names = [("t", thread_value(thread)), ("g", Value::Element(handle))];
        self.step("end", &names)?;
        self.weak.entry(object).or_default().push(handle);
        Ok(())
    }

    pub(super) fn freed(&mut self, thread: usize, object: u32) -> Done {
        let due = self.state.get(var("victim"), &[thread_value(thread)]);
        if due != made("wk", object) {
            return Err(format!("the memory of {object} goes, and {due:?} is due"));
        }
        self.step("free", &[("t", thread_value(thread))])
    }

    /// The object whose destructor the thread runs.
    pub(super) fn doomed(&self, thread: usize) -> Option<u32> {
        let runs = matches!(self.pc(thread), Value::Pc("Dest" | "Open"));
        match self.state.get(var("victim"), &[thread_value(thread)]) {
            Value::Made(_, object) if runs => Some(object),
            _ => None,
        }
    }
}
