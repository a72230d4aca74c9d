//! Call tokens: proof that an opener's sender receives at its address, without state here (iax2 security document §3;
//! chan_iax2). A token is 28 printable octets (X-TOK-8): base64url of the time in milliseconds (40 bits) and of 128 bits of HMAC-SHA-256
//! over address, port and time.
//!
//! The shortest opener with an empty token has 14 octets; the CALLTOKEN that answers it has 42, so nobody gets more than
//! three times what it sent before it has proved its address.
//!
//! # Deviations
//!
//! - chan_iax2 hashes with SHA-1 and a 31-bit salt, which can be searched; here the key has 256 bits (X-TOK-9).

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::admission::{TokenKey, TokenKeys};
use crate::time::Instant;

/// How long a token is good for where the configuration says nothing (chan_iax2: `calltokenexpiration`).
pub const TOKEN_LIFE: Duration = Duration::from_secs(10);
/// Octets of a token.
pub const TOKEN_LEN: usize = 28;

const TIME_LEN: usize = 5;
const MAC_LEN: usize = 16;
const RAW_LEN: usize = TIME_LEN + MAC_LEN;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A token for this address, issued now. For who must know what an endpoint issues: a recording, which has it under another key.
pub fn issue(key: &TokenKey, now: Instant, remote: SocketAddr) -> [u8; TOKEN_LEN] {
    let time = time_octets(now);
    let mut raw = [0; RAW_LEN];
    raw[..TIME_LEN].copy_from_slice(&time);
    raw[TIME_LEN..].copy_from_slice(&mac(key, time, remote));
    let mut token = [0; TOKEN_LEN];
    for (text, octets) in token.chunks_exact_mut(4).zip(raw.chunks_exact(3)) {
        let bits = u32::from_be_bytes([0, octets[0], octets[1], octets[2]]);
        for (i, letter) in text.iter_mut().enumerate() {
            *letter = ALPHABET[(bits >> (18 - 6 * i)) as usize & 63];
        }
    }
    token
}

/// Whether the token was issued to this address, by the current key or the one before, and is not too old.
pub(super) fn is_good(keys: &TokenKeys, now: Instant, remote: SocketAddr, token: &[u8]) -> bool {
    let by = |key: &TokenKey| is_valid(key, keys.life, now, remote, token);
    by(&keys.current) || keys.previous.as_ref().is_some_and(by)
}

fn is_valid(
    key: &TokenKey,
    life: Duration,
    now: Instant,
    remote: SocketAddr,
    token: &[u8],
) -> bool {
    let Some(raw) = decode(token) else {
        return false;
    };
    let (time, claimed) = raw.split_at(TIME_LEN);
    let time = [time[0], time[1], time[2], time[3], time[4]];
    let is_ours: bool = mac(key, time, remote).ct_eq(claimed).into();
    is_ours && is_fresh(time, life, now)
}

fn is_fresh(time: [u8; TIME_LEN], life: Duration, now: Instant) -> bool {
    let [a, b, c, d, e] = time;
    let issued = Instant::from_millis(u64::from_be_bytes([0, 0, 0, a, b, c, d, e]));
    issued <= now && now.saturating_since(issued) < life
}

/// The low 40 bits of the milliseconds: 34 years.
fn time_octets(now: Instant) -> [u8; TIME_LEN] {
    let [_, _, _, a, b, c, d, e] = now.as_millis().to_be_bytes();
    [a, b, c, d, e]
}

fn mac(key: &TokenKey, time: [u8; TIME_LEN], remote: SocketAddr) -> [u8; MAC_LEN] {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes keys of any length");
    match remote.ip() {
        IpAddr::V4(ip) => mac.update(&ip.octets()),
        IpAddr::V6(ip) => mac.update(&ip.octets()),
    }
    mac.update(&remote.port().to_be_bytes());
    mac.update(&time);
    let mut cut = [0; MAC_LEN];
    cut.copy_from_slice(&mac.finalize().into_bytes()[..MAC_LEN]);
    cut
}

fn decode(token: &[u8]) -> Option<[u8; RAW_LEN]> {
    let token: &[u8; TOKEN_LEN] = token.try_into().ok()?;
    let mut raw = [0; RAW_LEN];
    for (text, octets) in token.chunks_exact(4).zip(raw.chunks_exact_mut(3)) {
        let mut bits = 0;
        for letter in text {
            let value = ALPHABET.iter().position(|known| known == letter)?;
            bits = bits << 6 | value as u32;
        }
        octets.copy_from_slice(&bits.to_be_bytes()[1..]);
    }
    Some(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn a_token_is_good_for_its_address_port_key_and_ten_seconds() {
        let key = TokenKey([3; 32]);
        let issued = Instant::from_millis(1_234_567);
        let token = issue(&key, issued, remote(4569));
        let ok = |key: &TokenKey, at, from| is_valid(key, TOKEN_LIFE, at, from, &token);
        assert!(ok(&key, issued, remote(4569)));
        assert!(ok(
            &key,
            issued + Duration::from_millis(9_999),
            remote(4569)
        ));
        assert!(!ok(&key, issued + TOKEN_LIFE, remote(4569)));
        assert!(!ok(&key, issued - Duration::from_millis(1), remote(4569)));
        assert!(!ok(&key, issued, remote(4570)));
        assert!(!ok(&key, issued, SocketAddr::from(([192, 0, 2, 2], 4569))));
        assert!(!ok(&TokenKey([4; 32]), issued, remote(4569)));
    }

    #[test]
    fn a_token_with_any_letter_changed_or_cut_is_refused() {
        let key = TokenKey([3; 32]);
        let token = issue(&key, Instant::from_secs(5), remote(4569));
        assert!(token.iter().all(u8::is_ascii_graphic));
        for i in 0..TOKEN_LEN {
            let mut forged = token;
            forged[i] = if forged[i] == b'A' { b'B' } else { b'A' };
            assert!(
                !is_valid(
                    &key,
                    TOKEN_LIFE,
                    Instant::from_secs(5),
                    remote(4569),
                    &forged
                ),
                "letter {i}"
            );
            assert!(!is_valid(
                &key,
                TOKEN_LIFE,
                Instant::from_secs(5),
                remote(4569),
                &token[..i]
            ));
        }
    }
}
