//! Values as octets, and back: numbers of any size in groups of seven bits, everything else from those. What is read gives the value that
//! was written, or nothing.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use iaxproof::engine::WorkerId;
use iaxproof::engine::directory::{Generation, QueryId};
use iaxproof::time::Instant;

/// What can be written and read.
pub(crate) trait Coded: Sized {
    /// Appends the value.
    fn write(&self, out: &mut Vec<u8>);
    /// Takes a value off the front; `None` where there is none.
    fn read(from: &mut &[u8]) -> Option<Self>;
}

/// Takes so many octets off the front.
pub(super) fn take<'a>(from: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(len)?;
    *from = rest;
    Some(taken)
}

impl Coded for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        let mut left = *self;
        while left >= 0x80 {
            out.push(left as u8 | 0x80);
            left >>= 7;
        }
        out.push(left as u8);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let octet = take(from, 1)?[0];
            value |= u64::from(octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Coded for $type {
            fn write(&self, out: &mut Vec<u8>) {
                (*self as u64).write(out);
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                u64::read(from)?.try_into().ok()
            }
        }
    )*};
}

numbers!(u8, u16, u32, usize);

impl Coded for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some(take(from, 1)?[0] != 0)
    }
}

/// Octets as they are.
impl Coded for Box<[u8]> {
    fn write(&self, out: &mut Vec<u8>) {
        self.len().write(out);
        out.extend_from_slice(self);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let len = usize::read(from)?;
        take(from, len).map(Into::into)
    }
}

impl<T: Coded> Coded for Box<T> {
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        T::read(from).map(Box::new)
    }
}

impl<const N: usize> Coded for [u8; N] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        take(from, N)?.try_into().ok()
    }
}

impl Coded for String {
    fn write(&self, out: &mut Vec<u8>) {
        self.len().write(out);
        out.extend_from_slice(self.as_bytes());
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let octets = <Box<[u8]>>::read(from)?;
        String::from_utf8(octets.into()).ok()
    }
}

impl<T: Coded> Coded for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.is_some().write(out);
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some(match bool::read(from)? {
            true => Some(T::read(from)?),
            false => None,
        })
    }
}

impl<T: Coded> Coded for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.len().write(out);
        self.iter().for_each(|value| value.write(out));
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let len = usize::read(from)?;
        // Not reserved: a length that is wrong ends with the octets.
        (0..len).map(|_| T::read(from)).collect()
    }
}

impl<A: Coded, B: Coded> Coded for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some((A::read(from)?, B::read(from)?))
    }
}

impl Coded for Instant {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_micros().write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        u64::read(from).map(Instant::from_micros)
    }
}

impl Coded for Duration {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_secs().write(out);
        self.subsec_nanos().write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let (secs, nanos) = <(u64, u32)>::read(from)?;
        (nanos < 1_000_000_000).then(|| Duration::new(secs, nanos))
    }
}

impl Coded for IpAddr {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            IpAddr::V4(ip) => {
                out.push(4);
                ip.octets().write(out);
            }
            IpAddr::V6(ip) => {
                out.push(6);
                ip.octets().write(out);
            }
        }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        match take(from, 1)?[0] {
            4 => <[u8; 4]>::read(from).map(IpAddr::from),
            6 => <[u8; 16]>::read(from).map(IpAddr::from),
            _ => None,
        }
    }
}

impl Coded for SocketAddr {
    fn write(&self, out: &mut Vec<u8>) {
        self.ip().write(out);
        out.extend(self.port().to_be_bytes());
        if let SocketAddr::V6(v6) = self {
            (v6.flowinfo(), v6.scope_id()).write(out);
        }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let ip = IpAddr::read(from)?;
        let port = u16::from_be_bytes(<[u8; 2]>::read(from)?);
        let mut address = SocketAddr::new(ip, port);
        if let SocketAddr::V6(v6) = &mut address {
            let (flowinfo, scope) = <(u32, u32)>::read(from)?;
            v6.set_flowinfo(flowinfo);
            v6.set_scope_id(scope);
        }
        Some(address)
    }
}

macro_rules! wrapped {
    ($($name:ident($type:ty)),*) => {$(
        impl Coded for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                <$type>::read(from).map($name)
            }
        }
    )*};
}

wrapped!(QueryId(u64), Generation(u64), WorkerId(u16));

/// Structures: their fields one after the other, each by name, so that one that is added is missed by nobody.
macro_rules! structures {
    ($($name:ident { $($field:ident),* $(,)? })*) => {$(
        impl $crate::record::coded::Coded for $name {
            fn write(&self, out: &mut Vec<u8>) {
                let $name { $($field),* } = self;
                $($crate::record::coded::Coded::write($field, out);)*
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                $(let $field = $crate::record::coded::Coded::read(from)?;)*
                Some($name { $($field),* })
            }
        }
    )*};
}

/// Choices, each with its number; what a variant has follows.
macro_rules! choices {
    ($($name:ident { $($code:literal $variant:ident $(($($held:ident),*))?),* $(,)? })*) => {$(
        impl $crate::record::coded::Coded for $name {
            fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $($name::$variant $(($($held),*))? => {
                        out.push($code);
                        $($($crate::record::coded::Coded::write($held, out);)*)?
                    })*
                }
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                match $crate::record::coded::take(from, 1)?[0] {
                    $($code => {
                        $($(let $held = $crate::record::coded::Coded::read(from)?;)*)?
                        Some($name::$variant $(($($held),*))?)
                    })*
                    _ => None,
                }
            }
        }
    )*};
}

pub(super) use {choices, structures};

#[cfg(test)]
mod tests {
    use super::*;

    fn again<T: Coded>(value: &T) -> Option<T> {
        let mut out = Vec::new();
        value.write(&mut out);
        for len in 0..out.len() {
            assert!(T::read(&mut &out[..len]).is_none(), "{len} of {out:?}");
        }
        let mut from = &out[..];
        let read = T::read(&mut from)?;
        from.is_empty().then_some(read)
    }

    #[test]
    fn what_was_written_is_read_and_what_was_cut_is_not() {
        for number in [0, 127, 128, 0x3fff, 0x4000, u64::MAX] {
            assert_eq!(again(&number), Some(number));
        }
        for address in ["192.0.2.1:4569", "[2001:db8::1]:0"] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(again(&address), Some(address));
        }
        let text = vec![(Some("bob".to_owned()), true), (None, false)];
        assert_eq!(again(&text), Some(text));
        let octets: Box<[u8]> = Box::new([0, 255]);
        assert_eq!(again(&octets), Some(octets));
        let span = Duration::new(7, 999_999_999);
        assert_eq!(again(&span), Some(span));
        assert_eq!(u16::read(&mut &[0xff, 0xff, 0x7f][..]), None);
    }
}
