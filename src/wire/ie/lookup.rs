//! Which element counts, where one is absent, repeated or comes in two forms (chan_iax2):
//!
//! - an element that is absent or malformed gives `None`;
//! - of repeated elements the last counts, but of 32-bit CAPABILITY and FORMAT the first that is not zero;
//! - CAPABILITY2 and FORMAT2 override the 32-bit forms in either order;
//! - text ends before its first NUL; CHALLENGE and CALLTOKEN are raw and do not.
//!
//! # Deviations
//!
//! - VARIABLE does not accumulate by name, OSPTOKEN not by index: [`InformationElements::variables`] and
//!   [`InformationElements::osp_blocks`] give them in order, and whoever keeps them sets the bound.

use super::{
    ApparentAddress, AuthMethods, Cause, CodecPrefs, DateTime, DpStatus, EncryptionMethods, Format,
    FormatSet, IeCode, InformationElement, InformationElements, MessageCount, OspBlock,
};

macro_rules! lookups {
    ($($(#[$doc:meta])* $name:ident: $variant:ident -> $type:ty $(, $then:ident)?;)*) => {
        impl<'a> InformationElements<'a> {
            $($(#[$doc])*
            pub fn $name(self) -> Option<$type> {
                self.iter()
                    .filter_map(|ie| match ie {
                        InformationElement::$variant(value) => Some(value),
                        _ => None,
                    })
                    .last()
                    $(.map($then))?
            })*
        }
    };
}

lookups! {
    /// CALLED NUMBER (RFC 5456 §8.6.1).
    called_number: CalledNumber -> &'a [u8], before_nul;
    /// CALLING NUMBER (RFC 5456 §8.6.2).
    calling_number: CallingNumber -> &'a [u8], before_nul;
    /// CALLING ANI (RFC 5456 §8.6.3).
    calling_ani: CallingAni -> &'a [u8], before_nul;
    /// CALLING NAME (RFC 5456 §8.6.4).
    calling_name: CallingName -> &'a [u8], before_nul;
    /// CALLED CONTEXT (RFC 5456 §8.6.5).
    called_context: CalledContext -> &'a [u8], before_nul;
    /// USERNAME (RFC 5456 §8.6.6).
    username: Username -> &'a [u8], before_nul;
    /// PASSWORD, a secret in clear.
    password: Password -> &'a [u8], before_nul;
    /// LANGUAGE (RFC 5456 §8.6.9).
    language: Language -> &'a [u8], before_nul;
    /// VERSION (RFC 5456 §8.6.10).
    version: Version -> u16;
    /// DNID (RFC 5456 §8.6.12).
    dnid: Dnid -> &'a [u8], before_nul;
    /// AUTHMETHODS (RFC 5456 §8.6.13).
    auth_methods: AuthMethods -> AuthMethods;
    /// CHALLENGE, raw (RFC 5456 §8.6.14).
    challenge: Challenge -> &'a [u8];
    /// MD5 RESULT, hexadecimal digits (RFC 5456 §8.6.15).
    md5_result: Md5Result -> &'a [u8], before_nul;
    /// RSA RESULT, base64 (RFC 5456 §8.6.16).
    rsa_result: RsaResult -> &'a [u8], before_nul;
    /// APPARENT ADDR (RFC 5456 §8.6.17).
    apparent_address: ApparentAddr -> ApparentAddress;
    /// REFRESH in seconds (RFC 5456 §8.6.18).
    refresh: Refresh -> u16;
    /// DPSTATUS (RFC 5456 §8.6.19).
    dp_status: DpStatus -> DpStatus;
    /// CALLNO (RFC 5456 §8.6.20).
    call_number: CallNo -> u16;
    /// CAUSE in words (RFC 5456 §8.6.21).
    cause: Cause -> &'a [u8], before_nul;
    /// IAX UNKNOWN, a subclass cut to eight bits (RFC 5456 §8.6.22).
    iax_unknown: IaxUnknown -> u8;
    /// MSGCOUNT (RFC 5456 §8.6.23).
    message_count: MsgCount -> MessageCount;
    /// MUSICONHOLD, the class (RFC 5456 §8.6.25).
    music_on_hold: MusicOnHold -> &'a [u8], before_nul;
    /// TRANSFERID (RFC 5456 §8.6.26).
    transfer_id: TransferId -> u32;
    /// RDNIS (RFC 5456 §8.6.27).
    rdnis: Rdnis -> &'a [u8], before_nul;
    /// DATETIME (RFC 5456 §8.6.28).
    date_time: DateTime -> DateTime;
    /// CALLINGPRES (RFC 5456 §8.6.29).
    calling_presentation: CallingPres -> u8;
    /// CALLINGTON (RFC 5456 §8.6.30).
    calling_type_of_number: CallingTon -> u8;
    /// CALLINGTNS (RFC 5456 §8.6.31).
    calling_transit_network: CallingTns -> u16;
    /// CALLINGANI2 (chan_iax2; X-IE-10).
    calling_ani2: CallingAni2 -> u32;
    /// SAMPLINGRATE (RFC 5456 §8.6.32).
    sampling_rate: SamplingRate -> u16;
    /// CAUSECODE (RFC 5456 §8.6.33).
    cause_code: CauseCode -> Cause;
    /// ENCRYPTION (RFC 5456 §8.6.34).
    encryption: Encryption -> EncryptionMethods;
    /// CODEC PREFS (RFC 5456 §8.6.35).
    codec_prefs: CodecPrefs -> CodecPrefs<'a>;
    /// CALLTOKEN, raw; empty where one is asked for (chan_iax2).
    call_token: CallToken -> &'a [u8];
}

impl<'a> InformationElements<'a> {
    /// The last element of this code that is not malformed.
    pub fn find(self, code: IeCode) -> Option<InformationElement<'a>> {
        self.iter()
            .filter(|ie| !matches!(ie, InformationElement::Malformed { .. }))
            .filter(|ie| ie.code() == code.number())
            .last()
    }

    /// Whether AUTOANSWER is there (RFC 5456 §8.6.24).
    pub fn auto_answer(self) -> bool {
        self.find(IeCode::AutoAnswer).is_some()
    }

    /// The formats that the sender knows: CAPABILITY2 over CAPABILITY (RFC 5456 §8.6.7; chan_iax2).
    pub fn capability(self) -> Option<FormatSet> {
        self.mask(|ie| match ie {
            InformationElement::Capability(bits) => Some(Mask::Half(bits)),
            InformationElement::Capability2(set) => Some(Mask::Whole(set)),
            _ => None,
        })
    }

    /// The formats of FORMAT2 over FORMAT: one as a rule, several where the number comes later (RFC 5456 §8.6.8; chan_iax2).
    pub fn format_mask(self) -> Option<FormatSet> {
        self.mask(|ie| match ie {
            InformationElement::Format(bits) => Some(Mask::Half(bits)),
            InformationElement::Format2(set) => Some(Mask::Whole(set)),
            _ => None,
        })
    }

    /// The one format of FORMAT2 over FORMAT; `None` also where they name none or several.
    pub fn format(self) -> Option<Format> {
        self.format_mask().and_then(|set| Format::from_mask(set.0))
    }

    /// VARIABLE elements in order, `name=value` (chan_iax2).
    pub fn variables(self) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter_map(|ie| match ie {
            InformationElement::Variable(text) => Some(before_nul(text)),
            _ => None,
        })
    }

    /// OSPTOKEN elements in order (chan_iax2).
    pub fn osp_blocks(self) -> impl Iterator<Item = OspBlock<'a>> {
        self.iter().filter_map(|ie| match ie {
            InformationElement::OspToken(block) => Some(block),
            _ => None,
        })
    }

    fn mask(self, half_or_whole: fn(InformationElement<'_>) -> Option<Mask>) -> Option<FormatSet> {
        self.iter()
            .filter_map(half_or_whole)
            .fold(None, |so_far, mask| match mask {
                Mask::Whole(set) => Some(set),
                Mask::Half(bits) => so_far
                    .filter(|set| !set.is_empty())
                    .or(Some(FormatSet(u64::from(bits)))),
            })
    }
}

/// The two forms in which a set of formats comes.
enum Mask {
    Half(u32),
    Whole(FormatSet),
}

/// Text up to its first NUL: two spellings of one name must not be two names.
fn before_nul(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|&octet| octet == 0);
    let end = end.unwrap_or(text.len());
    text.split_at(end).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(octets: &[u8]) -> InformationElements<'_> {
        InformationElements::parse(octets).unwrap()
    }

    /// X-IE-8.
    #[test]
    fn of_repeated_elements_the_last_counts() {
        let ies = list(b"\x06\x03bob\x06\x05alice\x13\x02\0\x3c\x13\x01\x05");
        assert_eq!(ies.username(), Some(&b"alice"[..]));
        assert_eq!(ies.refresh(), Some(60), "the malformed one is absent");
        assert_eq!(ies.version(), None);
        let last = InformationElement::Username(b"alice");
        assert_eq!(ies.find(IeCode::Username), Some(last));
        let refresh = InformationElement::Refresh(60);
        assert_eq!(ies.find(IeCode::Refresh), Some(refresh));
    }

    /// X-IE-8.
    #[test]
    fn of_repeated_format_the_first_that_is_not_zero_counts() {
        let ies = list(b"\x09\x04\0\0\0\0\x09\x04\0\0\0\x04\x09\x04\0\0\0\x08");
        assert_eq!(ies.format(), Some(Format::ULAW));
        let ies = list(b"\x08\x04\0\0\0\x0c\x08\x04\0\0\0\x02");
        assert_eq!(ies.capability(), Some(FormatSet(0x0c)));
    }

    /// X-IE-4.
    #[test]
    fn format2_overrides_in_either_order_unless_its_version_is_unknown() {
        let opus = b"\x38\x09\0\0\0\0\x04\0\0\0\0";
        let ulaw = b"\x09\x04\0\0\0\x04";
        assert_eq!(
            list(&[&ulaw[..], opus].concat()).format(),
            Some(Format::OPUS)
        );
        assert_eq!(
            list(&[&opus[..], ulaw].concat()).format(),
            Some(Format::OPUS)
        );
        let mut other = *opus;
        other[2] = 1;
        assert_eq!(
            list(&[&ulaw[..], &other].concat()).format(),
            Some(Format::ULAW)
        );
    }

    #[test]
    fn several_formats_are_a_mask_and_no_format() {
        let ies = list(b"\x09\x04\0\0\0\x0c");
        assert_eq!(ies.format(), None);
        assert_eq!(ies.format_mask(), Some(FormatSet(0x0c)));
    }

    #[test]
    fn text_ends_before_its_first_nul_and_raw_octets_do_not() {
        let ies = list(b"\x06\x05al\0ce\x0f\x031\x002\x36\x00");
        assert_eq!(ies.username(), Some(&b"al"[..]));
        assert_eq!(ies.challenge(), Some(&b"1\x002"[..]));
        assert_eq!(ies.call_token(), Some(&b""[..]));
    }

    /// X-IE-5.
    #[test]
    fn lists_are_given_in_order() {
        let ies = list(b"\x34\x03a=1\x35\x03\x01xy\x34\x03b=2\x19\x00");
        assert!(ies.variables().eq([&b"a=1"[..], b"b=2"]));
        let block = OspBlock {
            index: 1,
            data: b"xy",
        };
        assert!(ies.osp_blocks().eq([block]));
        assert!(ies.auto_answer());
    }
}
