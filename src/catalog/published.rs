//! One published settings object: immutable, counted, and swapped as a whole.

use crate::engine::settings::Settings;
use crate::registry::{Family, Object};

/// What one accepted configuration, or one database row, said about one name, with the general settings that held then.
///
/// Nothing in it ever changes. A call keeps the one it began with; a reload puts another in its entry's place.
#[derive(Debug)]
pub struct Published(Settings);

impl Published {
    pub(super) fn new(settings: Settings) -> Self {
        Published(settings)
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.0
    }
}

impl<F: Family> Object<F> for Published {
    const KIND: &'static str = "settings";

    fn release(&self) {
        // Settings own no reference.
    }
}
