//! DATETIME: the clock of the sender, for people to read (RFC 5456 §8.6.28).
//!
//! ```text
//!  31         25 24   21 20     16 15     11 10        5 4       0
//! +-------------+-------+---------+---------+-----------+---------+
//! | year - 2000 | month |   day   |  hour   |  minute   | sec / 2 |
//! +-------------+-------+---------+---------+-----------+---------+
//! ```
//!
//! The RFC puts plain seconds into five bits, which cannot say 59; chan_iax2 and Wireshark count them in twos, as here.

use core::fmt;

use super::content::Content;

/// A date as it is packed. What comes from the network may be no date at all (month 15); it is shown as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime(pub u32);

/// The year that is packed as 0, and the last one.
const FIRST_YEAR: u64 = 2000;
const LAST_YEAR: u64 = FIRST_YEAR + 127;
/// Seconds of Unix time at the begin of the first year.
const FIRST_SECOND: u64 = 946_684_800;
const DAY_SECONDS: u64 = 86_400;

impl DateTime {
    /// The date of these seconds of Unix time, in UTC, an odd second rounded down. Before 2000 it is the first second of
    /// 2000, after 2127 the last of 2127.
    pub const fn from_unix_seconds(seconds: u64) -> Self {
        let since = seconds.saturating_sub(FIRST_SECOND);
        let mut days = since / DAY_SECONDS;
        let mut year = FIRST_YEAR;
        while days >= days_of_year(year) {
            if year == LAST_YEAR {
                return Self::pack(year, 12, 31, DAY_SECONDS - 1);
            }
            days -= days_of_year(year);
            year += 1;
        }
        let mut month = 1;
        while days >= days_of_month(year, month) {
            days -= days_of_month(year, month);
            month += 1;
        }
        Self::pack(year, month, days + 1, since % DAY_SECONDS)
    }

    const fn pack(year: u64, month: u64, day: u64, second_of_day: u64) -> Self {
        let (hour, second_of_hour) = (second_of_day / 3600, second_of_day % 3600);
        let (minute, second) = (second_of_hour / 60, second_of_hour % 60);
        let date = ((year - FIRST_YEAR) << 25) | (month << 21) | (day << 16);
        DateTime((date | (hour << 11) | (minute << 5) | (second / 2)) as u32)
    }

    /// The year, 2000..=2127.
    pub const fn year(self) -> u32 {
        FIRST_YEAR as u32 + self.bits(25, 7)
    }

    /// The month, 1..=12 in a date.
    pub const fn month(self) -> u32 {
        self.bits(21, 4)
    }

    /// The day, 1..=31 in a date.
    pub const fn day(self) -> u32 {
        self.bits(16, 5)
    }

    /// The hour, 0..=23 in a date.
    pub const fn hour(self) -> u32 {
        self.bits(11, 5)
    }

    /// The minute, 0..=59 in a date.
    pub const fn minute(self) -> u32 {
        self.bits(5, 6)
    }

    /// The second, even, 0..=58 in a date.
    pub const fn second(self) -> u32 {
        self.bits(0, 5) * 2
    }

    const fn bits(self, low: u32, count: u32) -> u32 {
        (self.0 >> low) & ((1 << count) - 1)
    }
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_of_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

impl Content<'_> for DateTime {
    fn read(data: &[u8]) -> Option<Self> {
        Content::read(data).map(DateTime)
    }

    fn write(self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

/// `2026-06-05 22:50:26`.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = (self.year(), self.month(), self.day());
        write!(f, "{year}-{month:02}-{day:02} ")?;
        let (hour, minute, second) = (self.hour(), self.minute(), self.second());
        write!(f, "{hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_seen_on_the_wire() {
        let date = DateTime::read(&[0x34, 0xc5, 0xb6, 0x4d]).unwrap();
        assert_eq!(date.to_string(), "2026-06-05 22:50:26");
        assert_eq!(DateTime::from_unix_seconds(1_780_699_826), date);
        assert_eq!(DateTime::from_unix_seconds(1_780_699_827), date);
    }

    #[test]
    fn the_ends_of_what_can_be_said() {
        let shown = |seconds| DateTime::from_unix_seconds(seconds).to_string();
        assert_eq!(shown(0), "2000-01-01 00:00:00");
        assert_eq!(shown(951_782_400), "2000-02-29 00:00:00");
        assert_eq!(shown(4_107_542_399), "2100-02-28 23:59:58");
        assert_eq!(shown(4_107_542_400), "2100-03-01 00:00:00");
        assert_eq!(shown(u64::MAX), "2127-12-31 23:59:58");
    }
}
