//! A call that is to be placed, as a value: whom, as whom, with what. And the NEW that says so (RFC 5456 §6.2.2).

use core::net::SocketAddr;
use core::time::Duration;

use crate::engine::error::Error;
use crate::engine::settings::{CallerId, Encryption, Secret, Settings, TransferPolicy};
use crate::wire::{
    AuthMethods, CodecPrefs, DateTime, EncryptionMethods, Format, FormatSet, IeBuffer,
    InformationElement,
};

/// The longest text of an outgoing call in octets: number, context, names (chan_iax2 keeps 80 with the terminator).
pub const DIAL_TEXT_MAX: usize = 79;

/// A call to be placed by [`Endpoint::call`](crate::engine::Endpoint::call).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// Where the call goes.
    pub remote: SocketAddr,
    /// CALLED NUMBER.
    pub number: String,
    /// CALLED CONTEXT; `None` for the other side's own choice.
    pub context: Option<String>,
    /// As whom we call; `None` for a guest.
    pub username: Option<String>,
    /// What a challenge is answered with: the last one.
    pub secrets: Vec<Secret>,
    /// The methods by which a challenge may be answered.
    pub methods: AuthMethods,
    /// CALLING NAME and CALLING NUMBER.
    pub caller_id: Option<CallerId>,
    /// The formats that we can do.
    pub capability: FormatSet,
    /// The same, the most wanted first: its first is the FORMAT that is asked for.
    pub preferences: Vec<Format>,
    /// Whether the call is encrypted.
    pub encryption: Encryption,
    /// Whether our audio may travel in trunk frames.
    pub trunk: bool,
    /// Whether the call may be transferred.
    pub transfer: TransferPolicy,
    /// How long the call may stay without any answer; `None`: until its NEW is given up.
    pub answer_wait: Option<Duration>,
    /// LANGUAGE; empty for none.
    pub language: String,
}

impl Dial {
    /// A call of a guest to an extension, with µ-law or A-law.
    pub fn new(remote: SocketAddr, number: &str) -> Self {
        Dial {
            remote,
            number: number.to_owned(),
            context: None,
            username: None,
            secrets: Vec::new(),
            methods: AuthMethods::MD5,
            caller_id: None,
            capability: FormatSet::from(Format::ULAW) | FormatSet::from(Format::ALAW),
            preferences: vec![Format::ULAW, Format::ALAW],
            encryption: Encryption::Off,
            trunk: false,
            transfer: TransferPolicy::Refused,
            answer_wait: None,
            language: String::new(),
        }
    }

    /// A call to a peer of the directory, as its settings say.
    pub(in crate::engine) fn to_peer(
        settings: &Settings,
        remote: SocketAddr,
        number: &str,
    ) -> Self {
        let general = &settings.general;
        let is_general = settings.capability.is_empty();
        let (capability, preferences) = match is_general {
            true => (general.capability, &general.preferences),
            false => (settings.capability, &settings.preferences),
        };
        Dial {
            context: settings.contexts.first().cloned(),
            username: settings.username.clone(),
            secrets: settings.secrets.clone(),
            methods: settings.methods,
            caller_id: settings.caller_id.clone(),
            capability,
            preferences: preferences.clone(),
            encryption: settings.encryption,
            trunk: settings.trunk,
            transfer: settings.transfer,
            answer_wait: general.answer_wait,
            language: settings.language.clone(),
            ..Dial::new(remote, number)
        }
    }

    /// Whether every text fits its information element and there is a format to ask for.
    pub(in crate::engine) fn check(&self) -> Result<(), Error> {
        let caller = self.caller_id.as_ref();
        let texts = [
            Some(self.number.as_str()),
            self.context.as_deref(),
            self.username.as_deref(),
            caller.map(|caller| caller.name.as_str()),
            caller.map(|caller| caller.number.as_str()),
            Some(self.language.as_str()),
        ];
        let longest = texts.into_iter().flatten().map(str::len).max();
        match longest.unwrap_or_default() {
            _ if self.capability.is_empty() => Err(Error::NoFormat),
            len if len > DIAL_TEXT_MAX => Err(Error::TooLong {
                len,
                max: DIAL_TEXT_MAX,
            }),
            _ => Ok(()),
        }
    }

    /// The elements of NEW in chan_iax2's order, without CALLTOKEN. `unix` is the time in seconds for DATETIME.
    pub(super) fn elements(&self, unix: u64) -> IeBuffer {
        use InformationElement as Ie;
        let context = self.context.as_deref().unwrap_or_default();
        let username = self.username.as_deref().unwrap_or_default();
        let mut ies = IeBuffer::new();
        ies.push(Ie::Version(super::VERSION))
            .push(Ie::CalledNumber(self.number.as_bytes()))
            .push(Ie::CodecPrefs(CodecPrefs(&self.letters())));
        self.push_caller(&mut ies);
        push_text(&mut ies, Ie::Language, self.language.as_bytes());
        push_text(&mut ies, Ie::CalledContext, context.as_bytes());
        push_text(&mut ies, Ie::Username, username.as_bytes());
        if self.encryption != Encryption::Off {
            ies.push(Ie::Encryption(EncryptionMethods::AES128));
        }
        let (format, capability) = (self.first().mask(), self.capability);
        ies.push(Ie::Format(format as u32))
            .push(Ie::Format2(FormatSet(format)))
            .push(Ie::Capability(capability.0 as u32))
            .push(Ie::Capability2(capability))
            .push(Ie::DateTime(DateTime::from_unix_seconds(unix)));
        ies
    }

    /// CALLINGPRES, CALLINGTON and CALLINGTNS are required (RFC 5456 §6.2.2): allowed and not screened, unknown, none.
    fn push_caller(&self, ies: &mut IeBuffer) {
        use InformationElement as Ie;
        let caller = self.caller_id.clone().unwrap_or_default();
        push_text(ies, Ie::CallingNumber, caller.number.as_bytes());
        ies.push(Ie::CallingPres(0))
            .push(Ie::CallingTon(0))
            .push(Ie::CallingTns(0));
        push_text(ies, Ie::CallingName, caller.name.as_bytes());
    }

    /// The format that is asked for: the most wanted, or the lowest bit where no wish is among what we can do.
    fn first(&self) -> Format {
        let mut wanted = self.preferences.iter().copied();
        let first = wanted.find(|format| self.capability.contains(*format));
        let lowest = || Format::from_bit(self.capability.0.trailing_zeros() as u8);
        first.or_else(lowest).unwrap_or(Format::ULAW)
    }

    fn letters(&self) -> Vec<u8> {
        let wanted = self.preferences.iter().copied();
        wanted.filter_map(CodecPrefs::letter).collect()
    }
}

fn push_text<'a>(
    ies: &mut IeBuffer,
    element: impl FnOnce(&'a [u8]) -> InformationElement<'a>,
    text: &'a [u8],
) {
    if !text.is_empty() {
        ies.push(element(text));
    }
}
