//! Where destroyed objects lie until their execution ends, so that a late use is a report and never undefined
//! behaviour. The families hand in what to do; they own the safety of it.

/// What ends one object for good.
pub(crate) type Thunk = Box<dyn FnOnce()>;

/// The values to drop and the memories to free when the execution is over.
#[derive(Default)]
pub(crate) struct Arena {
    values: Vec<Thunk>,
    memories: Vec<Thunk>,
}

impl Arena {
    pub(crate) fn keep_value(&mut self, thunk: Thunk) {
        self.values.push(thunk);
    }

    pub(crate) fn keep_memory(&mut self, thunk: Thunk) {
        self.memories.push(thunk);
    }

    /// All values first, for a value may lie in a memory.
    pub(crate) fn empty(self) {
        for thunk in self.values.into_iter().chain(self.memories) {
            thunk();
        }
    }
}
