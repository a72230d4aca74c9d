//! A place for one reference within an object, behind the object's lock: as an entry owns its settings.
//!
//! It is an `Option` that tells the ledger what goes in and out, so that checks can follow each reference. Nothing is dropped in here:
//! what comes out is the caller's, to be dropped after the lock.

use core::fmt;

use super::family::Family;
use super::ledger::Seat;
use super::object::{Object, Ref};

/// One reference or none.
pub struct Slot<T: Object<F>, F: Family>(Option<Ref<T, F>>);

impl<T: Object<F>, F: Family> Slot<T, F> {
    /// A slot that owns `object`, in an object that is being made.
    pub fn new(object: Ref<T, F>) -> Self {
        object.seated(Seat::ToBe);
        Slot(Some(object))
    }

    /// What it owns.
    pub fn as_ref(&self) -> Option<&Ref<T, F>> {
        self.0.as_ref()
    }

    /// Puts `object` in. Gives back what was there.
    pub fn replace(&mut self, object: Ref<T, F>) -> Option<Ref<T, F>> {
        match &self.0 {
            Some(old) => object.reseated(old),
            None => object.seated(Seat::Slot(core::ptr::from_ref(self).addr())),
        }
        self.0.replace(object)
    }

    /// Takes what it owns.
    pub fn take(&mut self) -> Option<Ref<T, F>> {
        let object = self.0.take()?;
        object.unseated();
        Some(object)
    }
}

impl<T: Object<F>, F: Family> fmt::Debug for Slot<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slot")
            .field(&self.0.as_ref().map(Ref::number))
            .finish()
    }
}
