//! Values of options, each read whole or refused. Asterisk reads numbers with `atoi`, so that `60s` is 60 and `many` is 0, and
//! takes all that is not a yes for a no; here they are errors.

use core::net::{IpAddr, SocketAddr};
use core::ops::RangeInclusive;
use core::time::Duration;

use super::{SECRET_OCTETS_MAX, TEXT_OCTETS_MAX};
use crate::engine::settings::{
    AccessRule, CallerId, CodecPriority, IpRange, Requirement, Secret, TransferPolicy,
};
use crate::wire::AuthMethods;

/// The port of IAX2 (RFC 5456 §1).
pub(super) const PORT: u16 = 4569;

/// What was expected instead of a value.
pub(super) type Expected = &'static str;

/// `yes`, `true`, `y`, `t`, `1`, `on` and their opposites, in any case (Asterisk: `ast_true`, `ast_false`).
pub(super) fn flag(text: &str) -> Result<bool, Expected> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "y" | "t" | "1" | "on" => Ok(true),
        "no" | "false" | "n" | "f" | "0" | "off" => Ok(false),
        _ => Err("yes or no"),
    }
}

/// A decimal number in a range that `expected` says.
pub(super) fn number(
    text: &str,
    range: RangeInclusive<u32>,
    expected: Expected,
) -> Result<u32, Expected> {
    let is_decimal = text.bytes().all(|octet| octet.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_decimal);
    number
        .filter(|number| range.contains(number))
        .ok_or(expected)
}

/// Seconds that fit REFRESH (RFC 5456 §8.6.18), and never none.
pub(super) fn seconds(text: &str) -> Result<Duration, Expected> {
    number(text, 1..=65_535, "1 to 65535 seconds").map(|secs| Duration::from_secs(secs.into()))
}

/// Seconds, at least one and at most an hour.
pub(super) fn within_an_hour(text: &str) -> Result<Duration, Expected> {
    number(text, 1..=3600, "1 to 3600 seconds").map(|secs| Duration::from_secs(secs.into()))
}

/// Milliseconds from one POKE to the next.
pub(super) fn poke_interval(text: &str) -> Result<Duration, Expected> {
    milliseconds(text, 100..=86_400_000, "100 to 86400000 milliseconds")
}

/// Milliseconds in a range that `expected` says.
pub(super) fn milliseconds(
    text: &str,
    range: RangeInclusive<u32>,
    expected: Expected,
) -> Result<Duration, Expected> {
    number(text, range, expected).map(|millis| Duration::from_millis(millis.into()))
}

/// A limit of live dialogues.
pub(super) fn dialogues(text: &str) -> Result<usize, Expected> {
    number(text, 1..=65_535, "1 to 65535").map(|number| number as usize)
}

/// A port; 0 where the system may choose it.
pub(super) fn port(text: &str) -> Result<u16, Expected> {
    text.parse().map_err(|_| "a port, 0 to 65535")
}

/// A text that fits where chan_iax2 keeps it and where a frame carries it.
pub(super) fn text(text: &str) -> Result<String, Expected> {
    if text.len() > TEXT_OCTETS_MAX {
        return Err("at most 79 octets");
    }
    Ok(text.to_owned())
}

/// The secrets of a line: `;` stands between them.
pub(super) fn secrets(line: &str) -> Result<Vec<Secret>, Expected> {
    let secrets = line.split(';').filter(|secret| !secret.is_empty());
    secrets.map(secret).collect()
}

/// One secret.
pub(super) fn secret(text: &str) -> Result<Secret, Expected> {
    if text.len() > SECRET_OCTETS_MAX {
        return Err("a secret of at most 255 octets");
    }
    Ok(Secret::new(text))
}

/// An address, perhaps with a port; an IPv6 address with a port stands in brackets.
pub(super) fn address(text: &str, port: u16) -> Option<SocketAddr> {
    let with_port = text.parse::<SocketAddr>().ok();
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let alone = bare.unwrap_or(text).parse::<IpAddr>().ok();
    with_port.or(alone.map(|ip| SocketAddr::new(ip, port)))
}

/// A name of a host, perhaps with a port.
pub(super) fn host_name(text: &str, port: u16) -> Option<(&str, u16)> {
    let (name, port) = match text.split_once(':') {
        Some((name, own)) => (name, own.parse().ok()?),
        None => (text, port),
    };
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    // What is all digits and dots is an address with a slip in it.
    let is_name = name.chars().any(|c| c.is_ascii_alphabetic());
    (is_name && name.len() <= 253 && name.chars().all(is_fine)).then_some((name, port))
}

/// A list of ranges with `,` between them.
pub(super) fn ranges(text: &str) -> Result<Vec<IpRange>, Expected> {
    text.split(',').map(range).collect()
}

/// `address`, `address/bits` or `address/mask`.
pub(super) fn range(text: &str) -> Result<IpRange, Expected> {
    let range = text.trim().parse();
    range.map_err(|_| "address, address/bits or address/mask")
}

/// The rules of a `permit` or `deny`; `!` before a range turns it round (Asterisk: `ast_append_ha`).
pub(super) fn rules(text: &str, permits: bool) -> Result<Vec<AccessRule>, Expected> {
    let rule = |item: &str| {
        let turned = item.trim().strip_prefix('!');
        let range = range(turned.unwrap_or(item))?;
        Ok(match permits == turned.is_none() {
            true => AccessRule::Permit(range),
            false => AccessRule::Deny(range),
        })
    };
    text.split(',').map(rule).collect()
}

/// The methods that a value names, and whether RSA is among them. Any text that holds the words will do (chan_iax2).
pub(super) fn methods(text: &str) -> Result<(AuthMethods, bool), Expected> {
    let text = text.to_ascii_lowercase();
    let named = |word, method: AuthMethods| if text.contains(word) { method.0 } else { 0 };
    let methods = named("md5", AuthMethods::MD5) | named("plaintext", AuthMethods::PLAINTEXT);
    let has_rsa = text.contains("rsa");
    match methods {
        0 if has_rsa => Err("md5 or plaintext, for RSA is not supported"),
        0 => Err("md5, plaintext or both"),
        methods => Ok((AuthMethods(methods), has_rsa)),
    }
}

/// Whether the value of `encryption` asks for it: AES-128 is the only cipher.
pub(super) fn encrypts(text: &str) -> Result<bool, Expected> {
    match text.eq_ignore_ascii_case("aes128") {
        true => Ok(true),
        false => flag(text).map_err(|_| "yes, no or aes128"),
    }
}

/// `yes`, `no` or `mediaonly`.
pub(super) fn transfer(text: &str) -> Result<TransferPolicy, Expected> {
    if text.eq_ignore_ascii_case("mediaonly") {
        return Ok(TransferPolicy::MediaOnly);
    }
    match flag(text) {
        Ok(true) => Ok(TransferPolicy::Allowed),
        Ok(false) => Ok(TransferPolicy::Refused),
        Err(_) => Err("yes, no or mediaonly"),
    }
}

/// `yes`, `no` or `auto`.
pub(super) fn call_token(text: &str) -> Result<Requirement, Expected> {
    if text.eq_ignore_ascii_case("auto") {
        return Ok(Requirement::Auto);
    }
    match flag(text) {
        Ok(true) => Ok(Requirement::Required),
        Ok(false) => Ok(Requirement::NotRequired),
        Err(_) => Err("yes, no or auto"),
    }
}

/// `host`, `caller`, `disabled` or `reqonly`.
pub(super) fn codec_priority(text: &str) -> Result<CodecPriority, Expected> {
    match text.to_ascii_lowercase().as_str() {
        "host" => Ok(CodecPriority::Host),
        "caller" => Ok(CodecPriority::Caller),
        "disabled" => Ok(CodecPriority::Disabled),
        "reqonly" => Ok(CodecPriority::RequestedOnly),
        _ => Err("host, caller, disabled or reqonly"),
    }
}

/// `"name" <number>`, `name <number>`, a number alone or a name alone (Asterisk: `ast_callerid_parse`).
pub(super) fn caller_id(value: &str) -> Result<CallerId, Expected> {
    let unquoted = |name: &str| {
        let name = name.trim();
        let inner = name.strip_prefix('"').and_then(|n| n.strip_suffix('"'));
        text(inner.unwrap_or(name))
    };
    let bracketed = value.trim_end().strip_suffix('>');
    if let Some((name, number)) = bracketed.and_then(|value| value.rsplit_once('<')) {
        let (name, number) = (unquoted(name)?, text(number.trim())?);
        return Ok(CallerId { name, number });
    }
    let is_number = |c: char| c.is_ascii_digit() || "*#+".contains(c);
    let (name, number) = match value.chars().all(is_number) {
        true => (String::new(), text(value)?),
        false => (unquoted(value)?, String::new()),
    };
    Ok(CallerId { name, number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_whole_and_in_range() {
        assert_eq!(number("60", 1..=60, "?"), Ok(60));
        for text in ["", "61", "0", "+6", "-6", "6s", " 6", "99999999999"] {
            assert_eq!(number(text, 1..=60, "?"), Err("?"), "{text:?}");
        }
    }

    #[test]
    fn addresses_and_names_of_hosts_are_told_apart() {
        let found = |text| address(text, 7).map(|address| address.to_string());
        assert_eq!(found("192.0.2.1").as_deref(), Some("192.0.2.1:7"));
        assert_eq!(found("192.0.2.1:9").as_deref(), Some("192.0.2.1:9"));
        assert_eq!(found("2001:db8::1").as_deref(), Some("[2001:db8::1]:7"));
        assert_eq!(found("[2001:db8::1]").as_deref(), Some("[2001:db8::1]:7"));
        assert_eq!(found("[2001:db8::1]:9").as_deref(), Some("[2001:db8::1]:9"));
        assert_eq!(found("pbx.example"), None);
        assert_eq!(host_name("pbx.example", 7), Some(("pbx.example", 7)));
        assert_eq!(host_name("pbx.example:9", 7), Some(("pbx.example", 9)));
        for text in ["", "192.0.2.256", "a b", "a:b", "a/b", "2001:db8::g"] {
            assert_eq!(host_name(text, 7), None, "{text:?}");
        }
    }

    #[test]
    fn caller_ids_in_all_their_spellings() {
        let read = |text| {
            let id = caller_id(text).unwrap();
            (id.name, id.number)
        };
        let both = ("Ann B".to_owned(), "100".to_owned());
        assert_eq!(read("\"Ann B\" <100>"), both);
        assert_eq!(read("Ann B <100>"), both);
        assert_eq!(read("100"), (String::new(), "100".to_owned()));
        assert_eq!(read("Ann"), ("Ann".to_owned(), String::new()));
        assert_eq!(read("<100>"), (String::new(), "100".to_owned()));
        assert!(caller_id(&"n".repeat(80)).is_err());
    }

    #[test]
    fn methods_without_any_that_is_known_are_refused() {
        assert_eq!(methods("md5,rsa"), Ok((AuthMethods::MD5, true)));
        assert_eq!(methods("Plaintext|MD5"), Ok((AuthMethods(3), false)));
        assert!(methods("rsa").is_err());
        assert!(methods("none").is_err());
    }
}
