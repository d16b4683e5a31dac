//! Days as residents read them: by the Japanese era, with the Western year beside it.

use time::macros::date;
use time::{Date, OffsetDateTime, UtcOffset};

/// An era and its first day, the newest first.
static ERAS: [(&str, Date); 5] = [
    ("令和", date!(2019 - 05 - 01)),
    ("平成", date!(1989 - 01 - 08)),
    ("昭和", date!(1926 - 12 - 25)),
    ("大正", date!(1912 - 07 - 30)),
    // Before, the calendar was another one.
    ("明治", date!(1873 - 01 - 01)),
];

/// The year 1868 was 明治 1.
const FIRST_YEAR_OF_MEIJI: i32 = 1868;

/// `令和8年4月1日（2026年）`.
pub(crate) fn day(day: Date) -> String {
    format!("{}（{}年）", short(day), day.year())
}

/// `令和8年4月1日`.
pub(crate) fn short(day: Date) -> String {
    let (month, of_month) = (u8::from(day.month()), day.day());
    let Some((era, first)) = ERAS.iter().find(|(_, first)| day >= *first) else {
        return format!("{}年{month}月{of_month}日", day.year());
    };
    let first_year = if *era == "明治" { FIRST_YEAR_OF_MEIJI } else { first.year() };
    let year = match day.year() - first_year + 1 {
        1 => "元".to_owned(),
        year => year.to_string(),
    };
    format!("{era}{year}年{month}月{of_month}日")
}

/// `令和8年4月1日 9時05分`, in Japan.
pub(crate) fn moment(unix_ms: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(unix_ms.div_euclid(1_000)).ok();
    let at = UtcOffset::from_hms(9, 0, 0).ok().and_then(|japan| at?.checked_to_offset(japan));
    let Some(at) = at else { return String::new() };
    let (hour, minute, _) = at.to_hms();
    format!("{} {hour}時{minute:02}分", short(at.date()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_era_begins_on_its_day() {
        for (given, want) in [
            (date!(2026 - 11 - 21), "令和8年11月21日（2026年）"),
            (date!(2019 - 05 - 01), "令和元年5月1日（2019年）"),
            (date!(2019 - 04 - 30), "平成31年4月30日（2019年）"),
            (date!(1989 - 01 - 08), "平成元年1月8日（1989年）"),
            (date!(1989 - 01 - 07), "昭和64年1月7日（1989年）"),
            (date!(1926 - 12 - 25), "昭和元年12月25日（1926年）"),
            (date!(1926 - 12 - 24), "大正15年12月24日（1926年）"),
            (date!(1912 - 07 - 30), "大正元年7月30日（1912年）"),
            (date!(1912 - 07 - 29), "明治45年7月29日（1912年）"),
            (date!(1873 - 01 - 01), "明治6年1月1日（1873年）"),
            (date!(1872 - 12 - 31), "1872年12月31日（1872年）"),
        ] {
            assert_eq!(day(given), want);
        }
    }

    #[test]
    fn a_moment_is_told_in_japan() {
        assert_eq!(moment(1_790_000_000_999), "令和8年9月21日 23時13分");
    }
}
