//! What `[general]` says for entries that do not say otherwise. Entries of a file have it in their own settings already. Rows of
//! a database are read apart from any file, so they say on what they are silent, and get it when they are linked. And a name that
//! nobody has is answered as an entry would be that says nothing (X-CALL-4, X-REG-5).

use super::{CodecPriority, Encryption, General, Requirement, Settings, TransferPolicy};
use crate::wire::AuthMethods;

/// What holds for an entry that says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Methods of login (chan_iax2: `auth`).
    pub methods: AuthMethods,
    /// Whether calls are encrypted (chan_iax2: `encryption`, `forceencryption`).
    pub encryption: Encryption,
    /// Whether calls may be transferred (chan_iax2: `transfer`).
    pub transfer: TransferPolicy,
    /// Whether a call token is wanted (chan_iax2: `requirecalltoken`).
    pub call_token: Requirement,
    /// Whose wish counts when a format is chosen (chan_iax2: `codecpriority`).
    pub codec_priority: CodecPriority,
    /// Calls that may wait for AUTHREP (chan_iax2: `maxauthreq`).
    pub auth_requests_max: usize,
    /// LANGUAGE (chan_iax2: `language`).
    pub language: String,
}

impl Default for Defaults {
    /// chan_iax2's.
    fn default() -> Self {
        Defaults {
            methods: AuthMethods::MD5,
            encryption: Encryption::Off,
            transfer: TransferPolicy::Allowed,
            call_token: Requirement::ByAddress,
            codec_priority: CodecPriority::Host,
            auth_requests_max: 3,
            language: String::new(),
        }
    }
}

/// What of the [`Defaults`] an entry says itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// `encryption` and `forceencryption`, which add to what holds for all.
    pub encryption: Encryption,
    /// `auth`.
    pub methods: bool,
    /// `transfer`.
    pub transfer: bool,
    /// `requirecalltoken`.
    pub call_token: bool,
    /// `codecpriority`.
    pub codec_priority: bool,
    /// `maxauthreq`.
    pub auth_requests_max: bool,
    /// `language`.
    pub language: bool,
}

impl Settings {
    /// The settings of a database row under these general settings: on what the row is silent, their defaults hold. Once more under
    /// others, and those of the others do.
    pub fn of_row_under(self, general: General) -> Settings {
        let (said, defaults) = (self.said, general.defaults.clone());
        Settings {
            methods: pick(said.methods, self.methods, defaults.methods),
            encryption: said.encryption.max(defaults.encryption),
            transfer: pick(said.transfer, self.transfer, defaults.transfer),
            call_token: pick(said.call_token, self.call_token, defaults.call_token),
            codec_priority: pick(
                said.codec_priority,
                self.codec_priority,
                defaults.codec_priority,
            ),
            auth_requests_max: pick(
                said.auth_requests_max,
                self.auth_requests_max,
                defaults.auth_requests_max,
            ),
            language: pick(said.language, self.language, defaults.language),
            general,
            ..self
        }
    }
}

fn pick<T>(is_said: bool, own: T, default: T) -> T {
    if is_said { own } else { default }
}
