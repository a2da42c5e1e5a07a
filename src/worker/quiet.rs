//! Quiet hours: the ERP's daily maintenance windows, in its own zone, in which nothing is dispatched.

use jiff::civil::Time;

use crate::clock::{Millis, erp_zone};

/// Daily windows; one whose end lies before its start goes over midnight.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuietHours(Vec<(i64, i64)>);

impl QuietHours {
    /// Reads windows such as `02:00-03:30`; the error names the one that is wrong.
    pub fn parse(windows: &[String]) -> Result<Self, String> {
        let parse = |window: &String| {
            let minutes = |text: &str| {
                let time: Time = format!("{}:00", text.trim()).parse().ok()?;
                Some(i64::from(time.hour()) * 60 + i64::from(time.minute()))
            };
            let (start, end) = window.split_once('-').unwrap_or_default();
            match (minutes(start), minutes(end)) {
                (Some(start), Some(end)) if start != end => Ok((start, end)),
                _ => Err(format!("{window:?} is no window: write 02:00-03:30")),
            }
        };
        windows.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether `now` lies in a window; the start belongs to it, the end does not.
    pub fn contain(&self, now: Millis) -> bool {
        let local = now.timestamp().to_zoned_datetime(erp_zone());
        let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
        self.0.iter().any(|(start, end)| {
            if start < end { (*start..*end).contains(&minute) } else { minute >= *start || minute < *end }
        })
    }
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
        let hours = QuietHours::parse(&["02:00-03:30".into(), "23:30-00:15".into()]).unwrap();
        for (clock, quiet) in [
            ("01:59", false),
            ("02:00", true),
            ("03:29", true),
            ("03:30", false),
            ("23:29", false),
            ("23:30", true),
            ("00:14", true),
            ("00:15", false),
        ] {
            assert_eq!(hours.contain(at(clock)), quiet, "{clock}");
        }
        assert!(!QuietHours::default().contain(at("02:00")));
    }

    #[test]
    fn what_is_no_window_is_named() {
        for window in ["", "02:00", "02:00-02:00", "24:00-25:00", "2-3", "02:00-03:60"] {
            let error = QuietHours::parse(&[window.to_owned()]).unwrap_err();
            assert!(error.contains(window), "{error}");
        }
    }
}
