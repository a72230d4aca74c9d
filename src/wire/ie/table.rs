//! The table of information elements: code, type of content, name in a listing and way to be shown.
//!
//! The codes are those of RFC 5456 §8.6, with chan_iax2 where they differ: 0x34 is VARIABLE, 0x35 OSPTOKEN, 0x36 to 0x39 are
//! not in the RFC; 0xff is Wireshark's.

use core::fmt;

use super::content::{self, Content, empty};
use super::{
    ApparentAddress, AuthMethods, Cause, CodecPrefs, DateTime, DpStatus, EncryptionMethods,
    FirmwareBlock, FormatSet, Loss, MessageCount, OspBlock,
};
use crate::wire::show::{Octets, Text};

/// The code of AUTOANSWER, whose content is nothing.
const AUTO_ANSWER: u8 = 25;
const AUTO_ANSWER_NAME: &str = "auto answer";

macro_rules! elements {
    ($($(#[$doc:meta])* $name:ident($type:ty) = $code:literal, $text:literal, $show:ident;)*) => {
        /// One information element, typed by its code and length (RFC 5456 §8.6).
        ///
        /// Data longer than 255 octets is cut as it is written into an [`IeBuffer`](super::IeBuffer).
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub enum InformationElement<'a> {
            $($(#[$doc])* $name($type),)*
            /// Answer without being asked (RFC 5456 §8.6.24).
            AutoAnswer,
            /// A code that is not known; skipped by whoever looks for an element.
            Unknown {
                /// The code.
                code: u8,
                /// The content.
                data: &'a [u8],
            },
            /// A known code whose length or content is wrong; counts as absent (chan_iax2).
            Malformed {
                /// The code.
                code: IeCode,
                /// The content.
                data: &'a [u8],
            },
        }

        /// The code of a known information element.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum IeCode {
            $($(#[$doc])* $name = $code,)*
            /// Answer without being asked (RFC 5456 §8.6.24).
            AutoAnswer = AUTO_ANSWER,
        }

        impl IeCode {
            /// Every known code.
            pub const ALL: &'static [IeCode] = &[$(IeCode::$name,)* IeCode::AutoAnswer];

            /// The known code of this number.
            pub const fn from_number(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(IeCode::$name),)*
                    AUTO_ANSWER => Some(IeCode::AutoAnswer),
                    _ => None,
                }
            }

            /// The name in a listing.
            pub const fn name(self) -> &'static str {
                match self {
                    $(IeCode::$name => $text,)*
                    IeCode::AutoAnswer => AUTO_ANSWER_NAME,
                }
            }

            fn read(self, data: &[u8]) -> Option<InformationElement<'_>> {
                match self {
                    $(IeCode::$name => Content::read(data).map(InformationElement::$name),)*
                    IeCode::AutoAnswer => empty(data).map(|()| InformationElement::AutoAnswer),
                }
            }
        }

        impl InformationElement<'_> {
            /// The code, known or not.
            pub const fn code(&self) -> u8 {
                match self {
                    $(InformationElement::$name(_) => $code,)*
                    InformationElement::AutoAnswer => AUTO_ANSWER,
                    InformationElement::Unknown { code, .. } => *code,
                    InformationElement::Malformed { code, .. } => code.number(),
                }
            }

            pub(super) fn write_content(&self, out: &mut Vec<u8>) {
                match self {
                    $(InformationElement::$name(value) => value.write(out),)*
                    InformationElement::AutoAnswer => {}
                    InformationElement::Unknown { data, .. }
                    | InformationElement::Malformed { data, .. } => out.extend(*data),
                }
            }
        }

        /// Name and value: `called number "100"`. Text is escaped, secrets are withheld.
        impl fmt::Display for InformationElement<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {
                    $(InformationElement::$name(value) => {
                        write!(f, "{} ", $text)?;
                        content::$show(value, f)
                    })*
                    InformationElement::AutoAnswer => f.write_str(AUTO_ANSWER_NAME),
                    InformationElement::Unknown { code, data } => show_unknown(code, data, f),
                    InformationElement::Malformed { code, data } => {
                        write!(f, "malformed {} ({})", code.name(), Octets(data.len()))
                    }
                }
            }
        }
    };
}

elements! {
    /// The number that is called (RFC 5456 §8.6.1).
    CalledNumber(&'a [u8]) = 1, "called number", text;
    /// The number that calls (RFC 5456 §8.6.2).
    CallingNumber(&'a [u8]) = 2, "calling number", text;
    /// Its number for billing (RFC 5456 §8.6.3).
    CallingAni(&'a [u8]) = 3, "calling ANI", text;
    /// The name of who calls (RFC 5456 §8.6.4).
    CallingName(&'a [u8]) = 4, "calling name", text;
    /// The context of the called number; absent means the default (RFC 5456 §8.6.5).
    CalledContext(&'a [u8]) = 5, "called context", text;
    /// Who asks, or who shall authenticate (RFC 5456 §8.6.6).
    Username(&'a [u8]) = 6, "username", text;
    /// A secret in clear, deprecated.
    Password(&'a [u8]) = 7, "password", secret;
    /// The formats that the sender knows: bits 0..=31 of a [`FormatSet`] (RFC 5456 §8.6.7).
    Capability(u32) = 8, "capability", formats;
    /// The format wanted or chosen: bits 0..=31 of a [`FormatSet`] (RFC 5456 §8.6.8).
    Format(u32) = 9, "format", formats;
    /// Language of the user (RFC 5456 §8.6.9).
    Language(&'a [u8]) = 10, "language", text;
    /// The version of the protocol, 2 (RFC 5456 §8.6.10).
    Version(u16) = 11, "version", plain;
    /// Capability of an ADSI device (RFC 5456 §8.6.11).
    AdsiCpe(u16) = 12, "ADSI CPE", plain;
    /// The number that was dialled at first (RFC 5456 §8.6.12).
    Dnid(&'a [u8]) = 13, "DNID", text;
    /// How the other side may authenticate (RFC 5456 §8.6.13).
    AuthMethods(AuthMethods) = 14, "auth methods", plain;
    /// What to prove the secret with; the raw key in RTKEY (RFC 5456 §8.6.14).
    Challenge(&'a [u8]) = 15, "challenge", secret;
    /// MD5 of challenge and secret, 32 hexadecimal digits (RFC 5456 §8.6.15).
    Md5Result(&'a [u8]) = 16, "MD5 result", secret;
    /// The signed challenge, base64 (RFC 5456 §8.6.16).
    RsaResult(&'a [u8]) = 17, "RSA result", secret;
    /// The address that the sender sees (RFC 5456 §8.6.17).
    ApparentAddr(ApparentAddress) = 18, "apparent address", plain;
    /// How long a registration or an answer holds, in seconds (RFC 5456 §8.6.18).
    Refresh(u16) = 19, "refresh", plain;
    /// What a number is good for (RFC 5456 §8.6.19).
    DpStatus(DpStatus) = 20, "dialplan status", plain;
    /// A call number of a transfer (RFC 5456 §8.6.20).
    CallNo(u16) = 21, "call number", plain;
    /// Why, in words (RFC 5456 §8.6.21).
    Cause(&'a [u8]) = 22, "cause", text;
    /// The IAX subclass that was not understood (RFC 5456 §8.6.22).
    IaxUnknown(u8) = 23, "unknown subclass", hex;
    /// Messages that wait (RFC 5456 §8.6.23).
    MsgCount(MessageCount) = 24, "message count", plain;
    /// Music to be played, of a class if any (RFC 5456 §8.6.25).
    MusicOnHold(&'a [u8]) = 26, "music on hold", text;
    /// Names a transfer (RFC 5456 §8.6.26).
    TransferId(u32) = 27, "transfer id", plain;
    /// The number that redirected (RFC 5456 §8.6.27).
    Rdnis(&'a [u8]) = 28, "RDNIS", text;
    /// Elements of provisioning; may hold secrets.
    Provisioning(&'a [u8]) = 29, "provisioning", secret;
    /// The same encrypted.
    AesProvisioning(&'a [u8]) = 30, "AES provisioning", secret;
    /// The sender's clock (RFC 5456 §8.6.28).
    DateTime(DateTime) = 31, "date", plain;
    /// What kind of device (reserved in the RFC).
    DeviceType(&'a [u8]) = 32, "device type", text;
    /// Names a service, mostly 6 raw octets (reserved in the RFC).
    ServiceIdent(&'a [u8]) = 33, "service identifier", text;
    /// Version of firmware (reserved in the RFC).
    FirmwareVer(u16) = 34, "firmware version", plain;
    /// A block of firmware (reserved in the RFC).
    FwBlockDesc(FirmwareBlock) = 35, "firmware block", plain;
    /// Its data, which may be empty (reserved in the RFC).
    FwBlockData(&'a [u8]) = 36, "firmware data", count;
    /// Version of provisioning (reserved in the RFC).
    ProvVer(u32) = 37, "provisioning version", plain;
    /// May the number be shown (RFC 5456 §8.6.29).
    CallingPres(u8) = 38, "calling presentation", hex;
    /// Type of the calling number (RFC 5456 §8.6.30).
    CallingTon(u8) = 39, "calling type of number", hex;
    /// Transit network of the calling number (RFC 5456 §8.6.31).
    CallingTns(u16) = 40, "calling transit network", hex;
    /// Hz by RFC 5456 §8.6.32, a mask of rates by chan_iax2.
    SamplingRate(u16) = 41, "sampling rate", hex;
    /// Why, as Q.931 numbers it (RFC 5456 §8.6.33).
    CauseCode(Cause) = 42, "cause code", plain;
    /// How the call may be encrypted; read from 2 octets or 1, written as 2 (RFC 5456 §8.6.34).
    Encryption(EncryptionMethods) = 43, "encryption", plain;
    /// Reserved for a key.
    EncKey(&'a [u8]) = 44, "encryption key", secret;
    /// Codecs by preference (RFC 5456 §8.6.35).
    CodecPrefs(CodecPrefs<'a>) = 45, "codec preferences", plain;
    /// Jitter received, in milliseconds (RFC 5456 §8.6.36).
    RrJitter(u32) = 46, "jitter", plain;
    /// Loss received (RFC 5456 §8.6.37).
    RrLoss(Loss) = 47, "loss", plain;
    /// Frames received (RFC 5456 §8.6.38).
    RrPkts(u32) = 48, "packets", plain;
    /// Longest play-out delay, in milliseconds (RFC 5456 §8.6.39).
    RrDelay(u16) = 49, "delay", plain;
    /// Frames dropped (RFC 5456 §8.6.40).
    RrDropped(u32) = 50, "dropped", plain;
    /// Frames received out of order (RFC 5456 §8.6.41).
    RrOoo(u32) = 51, "out of order", plain;
    /// A variable of the channel, `name=value` (chan_iax2, against the RFC).
    Variable(&'a [u8]) = 52, "variable", text;
    /// A block of an OSP token (chan_iax2; 0x34 in RFC 5456 §8.6.42).
    OspToken(OspBlock<'a>) = 53, "OSP token", plain;
    /// Proves that the sender receives at its address (chan_iax2).
    CallToken(&'a [u8]) = 54, "call token", secret;
    /// The formats that the sender knows, all 64 bits (chan_iax2).
    Capability2(FormatSet) = 55, "capability2", plain;
    /// The format wanted or chosen, all 64 bits (chan_iax2).
    Format2(FormatSet) = 56, "format2", plain;
    /// ANI II digits (chan_iax2).
    CallingAni2(u32) = 57, "calling ANI2", plain;
    /// Format of a data call: 0 none, 1 V.110, 2 H.223/H.245 (Wireshark).
    DataFormat(u32) = 255, "data format", plain;
}

impl IeCode {
    /// The number of the code.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Whether the content must not be shown.
    const fn is_secret(self) -> bool {
        use IeCode::{
            AesProvisioning, CallToken, Challenge, EncKey, Md5Result, OspToken, Password,
            Provisioning, RsaResult,
        };
        matches!(
            self,
            Password
                | Challenge
                | Md5Result
                | RsaResult
                | Provisioning
                | AesProvisioning
                | EncKey
                | OspToken
                | CallToken
        )
    }
}

impl<'a> InformationElement<'a> {
    /// What code and content say.
    pub(super) fn from_parts(code: u8, data: &'a [u8]) -> Self {
        match IeCode::from_number(code) {
            None => InformationElement::Unknown { code, data },
            Some(code) => code
                .read(data)
                .unwrap_or(InformationElement::Malformed { code, data }),
        }
    }
}

/// A code given as unknown may be known all the same, and secret.
fn show_unknown(code: u8, data: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match IeCode::from_number(code) {
        Some(known) if known.is_secret() => content::secret(data, f),
        _ => write!(f, "element {code} {}", Text(data)),
    }
}

/// As `Display`: secrets must not reach a log by way of `{:?}`.
impl fmt::Debug for InformationElement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_shows_its_name_and_value() {
        let shown = |code, data: &[u8]| InformationElement::from_parts(code, data).to_string();
        assert_eq!(shown(8, &[0, 0, 0, 0x0c]), "capability ULAW|ALAW");
        assert_eq!(shown(19, &[0, 60]), "refresh 60");
        assert_eq!(shown(25, &[]), "auto answer");
        assert_eq!(shown(25, &[1]), "malformed auto answer (1 octet)");
        assert_eq!(shown(42, &[29]), "cause code 29 (facility rejected)");
        assert_eq!(shown(52, b"a=b\n"), r#"variable "a=b\n""#);
        assert_eq!(shown(56, &[0, 0, 0, 0, 4, 0, 0, 0, 0]), "format2 OPUS");
        assert_eq!(
            shown(56, &[1, 0, 0, 0, 4, 0, 0, 0, 0]),
            "malformed format2 (9 octets)"
        );
        assert_eq!(shown(55, &[]), "malformed capability2 (0 octets)");
        assert_eq!(shown(53, &[]), "malformed OSP token (0 octets)");
        assert_eq!(shown(255, &[0, 0, 0, 2]), "data format 2");
    }

    #[test]
    fn a_secret_given_as_unknown_is_withheld() {
        let hidden = InformationElement::Unknown {
            code: 7,
            data: b"hush",
        };
        assert_eq!(hidden.to_string(), "withheld (4 octets)");
    }
}
