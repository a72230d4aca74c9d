//! Settings as octets: of everything, of entries, of rows, of registrations elsewhere, of extensions. The general part of an entry's settings and
//! what is carried and not looked at are not among them: the catalog puts the one in its place, and nobody reads the other.

use iaxproof::catalog::{Answer, Row, Write};
use iaxproof::config::{HostName, Place, Registration, Remote};
use iaxproof::engine::directory::{Contact, Role, StoreId, TokenKey};
use iaxproof::engine::settings::{
    AccessList, AccessRule, CallerId, CodecPriority, Defaults, Encryption, General, Host, IpRange,
    Name, Qualify, Requirement, Said, Secret, Settings, TransferPolicy, Trunking,
};
use iaxproof::wire::{AuthMethods, Cause, Format, FormatSet};

use super::coded::{Coded, choices, structures};
use super::input::Piece;
use crate::serve::dialplan::Action;

structures! {
    General {
        serial, registration_min, registration_max, reject_delay, capability, preferences, answer_wait, token_optional, token_life,
        dialogues_per_ip_max, dialogues_per_range_max, dialogues_unvalidated_max, trunking, defaults,
    }
    Defaults { methods, encryption, transfer, call_token, codec_priority, auth_requests_max, language }
    Said { encryption, methods, transfer, call_token, codec_priority, auth_requests_max, language }
    Trunking { interval, payload_max, queue_max, timestamps }
    Qualify { round_trip_max, smoothing, interval_ok, interval_not_ok }
    CallerId { name, number }
    Contact { address, deadline, generation }
    StoreId { name, generation }
    Row { settings, contact, generation }
    Write { name, generation, contact }
    Registration { username, secret, remote, place }
    HostName { name, port }
    Place { file, line }
}

choices! {
    Role { 0 Peer, 1 User }
    Encryption { 0 Off, 1 Offered, 2 Forced }
    TransferPolicy { 0 Allowed, 1 MediaOnly, 2 Refused }
    Requirement { 0 ByAddress, 1 Required, 2 NotRequired, 3 Auto }
    CodecPriority { 0 Host, 1 Caller, 2 Disabled, 3 RequestedOnly }
    AccessRule { 0 Permit(range), 1 Deny(range) }
    Host { 0 Dynamic, 1 Fixed(address), 2 Nowhere }
    Remote { 0 Address(address), 1 Name(name) }
    Answer { 0 Row(row), 1 Absent, 2 Failed }
    Action { 0 Echo, 1 Music, 2 Tone(hertz), 3 Hangup(cause), 4 Dial(target) }
    Piece { 0 Same(count), 1 New(settings) }
}

macro_rules! wrapped {
    ($($name:ident),*) => {$(
        impl Coded for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                Coded::read(from).map($name)
            }
        }
    )*};
}

wrapped!(AuthMethods, FormatSet, Cause, AccessList, TokenKey);

macro_rules! as_text {
    ($($name:ident: $write:expr, $read:expr;)*) => {$(
        impl Coded for $name {
            fn write(&self, out: &mut Vec<u8>) {
                $write(self).write(out);
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                $read(&String::read(from)?)
            }
        }
    )*};
}

as_text! {
    Name: |name: &Name| name.as_str().to_owned(), Name::new;
    // Another one by now: `alias` came before.
    Secret: |secret: &Secret| String::from_utf8_lossy(secret.expose()).into_owned(), |text: &str| Some(Secret::new(text));
    IpRange: IpRange::to_string, |text: &str| text.parse().ok();
}

impl Coded for Format {
    fn write(&self, out: &mut Vec<u8>) {
        self.mask().write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Format::from_mask(u64::read(from)?)
    }
}

/// All fields by name, but for two that are left out.
macro_rules! settings {
    ($($field:ident),*) => {
        impl Coded for Settings {
            fn write(&self, out: &mut Vec<u8>) {
                let Settings { $($field,)* carried: _, general: _ } = self;
                $($field.write(out);)*
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                $(let $field = Coded::read(from)?;)*
                Some(Settings { $($field,)* carried: Vec::new(), general: General::default() })
            }
        }
    };
}

settings! {
    name, role, secrets, methods, encryption, host, default_address, username, access, call_token, dialogues_per_ip_max, auth_requests_max,
    capability, preferences, codec_priority, contexts, extensions, trunk, transfer, qualify, caller_id, language, said
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn settings_come_back_but_for_what_nobody_reads() {
        let settings = Settings {
            secrets: vec![Secret::new("of nobody")],
            host: Host::Fixed(([192, 0, 2, 1], 4569).into()),
            access: AccessList(vec![AccessRule::Deny("10.0.0.0/8".parse().unwrap())]),
            qualify: Some(Qualify::default()),
            preferences: vec![Format::ALAW, Format::SPEEX16],
            caller_id: Some(CallerId::default()),
            encryption: Encryption::Forced,
            carried: vec![("setvar".to_owned(), "pin=1".to_owned())],
            general: General {
                serial: 9,
                ..General::default()
            },
            ..Settings::new(Role::Peer, Name::new("bob").unwrap())
        };
        let mut out = Vec::new();
        settings.write(&mut out);
        let read = Settings::read(&mut &out[..]).unwrap();
        let kept = Settings {
            carried: Vec::new(),
            general: General::default(),
            ..settings
        };
        assert_eq!(read, kept);
        let general = General {
            token_optional: vec!["2001:db8::/32".parse().unwrap()],
            dialogues_per_range_max: vec![("127.0.0.0/8".parse().unwrap(), 7)],
            answer_wait: Some(Duration::from_millis(1)),
            ..General::default()
        };
        out.clear();
        general.write(&mut out);
        assert_eq!(General::read(&mut &out[..]), Some(general));
    }
}
