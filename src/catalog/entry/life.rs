//! How an entry begins, how a reload gives it other settings, and how it goes.

use core::net::SocketAddr;

use super::{
    Begun, Entry, EntryState, Kept, Moved, Remains, Seen, Standing, Unlinked, fixed_address,
};
use crate::catalog::published::Published;
use crate::catalog::status::Origin;
use crate::registry::{Family, Ref};

impl<F: Family> Entry<F> {
    /// What is left to do after the entry was linked.
    pub(in crate::catalog) fn begin(&self) -> Begun {
        let mut state = F::lock(&self.state);
        Begun {
            is_registered: state.registered().is_some(),
            to_queue: state.queue(),
        }
    }

    /// Puts settings of the accepted configuration in place: the entry is static from now on, and its contact stays unless its host
    /// changes. Returns what stood there, to be dropped after the lock, and the move.
    #[expect(clippy::type_complexity, reason = "two things to do after the lock")]
    pub(in crate::catalog) fn publish(
        &self,
        settings: Ref<Published, F>,
        epoch: u64,
    ) -> Result<(Option<Ref<Published, F>>, Option<Moved>), Unlinked> {
        let fixed = fixed_address(&settings);
        self.write(|state| {
            state.status.origin = Origin::Static;
            state.status.counters.publications += 1;
            state.epoch = epoch;
            let old = state.settings.replace(settings);
            (old, state.move_host(self.is_stored, fixed))
        })
    }

    /// Puts a cached row's settings in place with newer general settings. Gives back what is to be dropped: the old
    /// settings, or these where the entry became static or newer meanwhile.
    pub(in crate::catalog) fn refresh(
        &self,
        settings: Ref<Published, F>,
        epoch: u64,
    ) -> Result<Option<Ref<Published, F>>, Unlinked> {
        self.write(|state| {
            if state.standing(epoch) != Standing::Outdated {
                return Some(settings);
            }
            state.epoch = epoch;
            state.settings.replace(settings)
        })
    }

    /// What a sweep of `epoch` has to do here.
    pub(in crate::catalog) fn standing(&self, epoch: u64) -> Standing {
        F::lock(&self.state).standing(epoch)
    }

    /// Marks the entry unlinked and takes its contact away, where it is still absent from `epoch` and as it was `seen`. Returns the
    /// address whose hint is to go, and what is to be kept.
    pub(in crate::catalog) fn remove(
        &self,
        epoch: u64,
        seen: Seen,
    ) -> Result<(Moved, Remains), Kept> {
        let mut state = F::lock(&self.state);
        if !state.status.linked || state.standing(epoch) != Standing::Absent {
            return Err(Kept::Unlinked);
        }
        if Seen::of(&state.status) != seen {
            return Err(Kept::Changed);
        }
        state.changes.cancel();
        let remains = Remains {
            contact: state.status.contact.filter(|c| c.deadline.is_some()),
            is_owed: self.is_stored && !state.changes.is_settled(),
        };
        state.status.linked = false;
        state.fixed = None;
        Ok((state.move_to(false, None), remains))
    }

    /// Marks a cached row unlinked, where the database has stored all of it and it is as it was `seen`. The contact stays for those
    /// who hold the entry.
    pub(in crate::catalog) fn evict(&self, seen: Seen) -> Result<Option<SocketAddr>, Kept> {
        let mut state = F::lock(&self.state);
        let is_settled = state.changes.is_settled();
        let status = &mut state.status;
        match status.origin {
            _ if !status.linked => Err(Kept::Unlinked),
            Origin::Static => Err(Kept::Static),
            // The count of calls that wait for AUTHREP would be lost with it.
            Origin::Realtime if !is_settled || status.challenged > 0 => Err(Kept::NotStored),
            Origin::Realtime if Seen::of(status) != seen => Err(Kept::Changed),
            Origin::Realtime => {
                status.linked = false;
                Ok(status.contact.map(|contact| contact.address))
            }
        }
    }
}

impl<F: Family> EntryState<F> {
    fn standing(&self, epoch: u64) -> Standing {
        match self.status.origin {
            _ if self.epoch >= epoch => Standing::Current,
            Origin::Static => Standing::Absent,
            Origin::Realtime => Standing::Outdated,
        }
    }
}
