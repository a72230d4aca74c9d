//! An object that says nothing of itself, for what goes wrong around one.

use iaxproof::registry::{Object, Ref};
use iaxproof_models::{Account, Explorer};

pub(crate) struct Probe;

impl<E: Explorer> Object<E> for Probe {
    const KIND: &'static str = "probe";
    fn release(&self) {}
}

pub(crate) fn probe<E: Explorer>() -> Ref<Probe, E> {
    Ref::new(&Account::default(), Probe)
}
