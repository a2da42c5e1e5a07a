//! Quiet hours: a daily maintenance window of the ERP, in its own zone, in which nothing is dispatched.

use std::str::FromStr;

use crate::clock::{Millis, erp_zone};

/// From and to, in minutes of the day; a window whose end lies before its start goes over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    start: i64,
    end: i64,
}

impl QuietHours {
    /// Whether `now` lies in the window; its start belongs to it, its end does not.
    pub fn contain(self, now: Millis) -> bool {
        let local = now.timestamp().to_zoned_datetime(erp_zone());
        let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
        if self.start < self.end {
            (self.start..self.end).contains(&minute)
        } else {
            minute >= self.start || minute < self.end
        }
    }
}

impl FromStr for QuietHours {
    type Err = &'static str;

    /// Reads `02:00-03:30`; a window without length makes no sense.
    fn from_str(window: &str) -> Result<Self, Self::Err> {
        let (start, end) = window.split_once('-').unwrap_or_default();
        match (minutes(start), minutes(end)) {
            (Some(start), Some(end)) if start != end => Ok(Self { start, end }),
            _ => Err("write from and to as \"02:00-03:30\""),
        }
    }
}

/// `HH:MM`, two digits each.
fn minutes(time: &str) -> Option<i64> {
    let part = |text: &str, max: i64| {
        let two_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| two_digits && *number <= max)
    };
    let (hours, minutes) = time.split_once(':')?;
    Some(part(hours, 23)? * 60 + part(minutes, 59)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23 at this time of day in Shanghai.
    fn at(clock: &str) -> Millis {
        format!("2026-11-23T{clock}:00+08:00").parse::<jiff::Timestamp>().unwrap().into()
    }

    #[test]
    fn windows_hold_from_their_start_until_just_before_their_end() {
        let by_day: QuietHours = "02:00-03:30".parse().unwrap();
        let over_midnight: QuietHours = "23:30-00:15".parse().unwrap();
        for (hours, clock, quiet) in [
            (by_day, "01:59", false),
            (by_day, "02:00", true),
            (by_day, "03:29", true),
            (by_day, "03:30", false),
            (over_midnight, "23:29", false),
            (over_midnight, "23:30", true),
            (over_midnight, "00:14", true),
            (over_midnight, "00:15", false),
        ] {
            assert_eq!(hours.contain(at(clock)), quiet, "{clock}");
        }
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for window in ["", "02:00", "02:00-02:00", "24:00-25:00", "2-3", "2:00-3:00", "02:00-03:60", "+1:00-02:00"] {
            assert!(window.parse::<QuietHours>().is_err(), "{window}");
        }
    }
}
