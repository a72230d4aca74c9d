//! The lists and numbers of a plan that say who is special and how things behave. Each is taken apart here by all its fields, so that a
//! new one is not forgotten.

use crate::plan::{ConfigurationPlan, Options, Topology};

impl Topology {
    /// The lists of clients.
    pub(super) const fn lists(&mut self) -> [&mut Vec<u8>; 6] {
        let Topology {
            servers: _,
            clients: _,
            registrants: _,
            workers: _,
            realtime,
            sharing,
            qualified,
            mute,
            tokenless,
            forced,
        } = self;
        [realtime, sharing, qualified, mute, tokenless, forced]
    }
}

impl ConfigurationPlan {
    /// The lists of clients.
    pub(super) const fn lists(&mut self) -> [&mut Vec<u8>; 2] {
        let ConfigurationPlan {
            registration_s: _,
            reject_delay_ms: _,
            absent,
            changed,
        } = self;
        [absent, changed]
    }
}

impl Options {
    /// Those that are of use where nothing is left to explore.
    pub(super) fn without_rates(&self) -> Options {
        Options {
            call_numbers: self.call_numbers,
            unvalidated_max: self.unvalidated_max,
            rotations: self.rotations,
            ..Options::default()
        }
    }
}
