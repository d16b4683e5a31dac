//! What is usual for a vaccine, as dated tables that ship inside the executable.
//!
//! A row counts for doses given from its first day to its last; what was right then stays right.

use domain::spelling::folded;
use serde::Deserialize;
use time::Date;

use crate::lot;

/// What a dose is of where a file names no kind: the sources' own campaign.
pub const DEFAULT_KIND: &str = "covid-19";

/// The tables of [`Rules::parse`], each the text of a CSV file.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    pub campaigns: &'a str,
    pub makers: &'a str,
    pub products: &'a str,
    pub intervals: &'a str,
}

const SHIPPED: Tables<'static> = Tables {
    campaigns: include_str!("../data/campaigns.csv"),
    makers: include_str!("../data/makers.csv"),
    products: include_str!("../data/products.csv"),
    intervals: include_str!("../data/intervals.csv"),
};

/// Everything the engine compares a dose with.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub(crate) campaigns: Vec<Campaign>,
    pub(crate) products: Vec<Product>,
    pub(crate) intervals: Vec<Interval>,
    /// Folded spelling and the maker it means.
    makers: Vec<(String, String)>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Campaign {
    pub(crate) kind: String,
    pub(crate) starts_on: Date,
    pub(crate) ends_on: Option<Date>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Product {
    pub(crate) kind: String,
    pub(crate) maker: String,
    pub(crate) product: String,
    pub(crate) used_from: Date,
    pub(crate) used_until: Option<Date>,
    pub(crate) age_days_min: Option<i64>,
    pub(crate) age_days_max: Option<i64>,
    /// The name in one spelling.
    #[serde(skip)]
    pub(crate) folded: String,
    /// Shapes divided by spaces, `A` for a letter and `9` for a digit; none accepts every lot.
    pub(crate) lots: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Interval {
    pub(crate) kind: String,
    /// Of the later dose; empty for every maker.
    pub(crate) maker: String,
    /// Of the later dose; empty for every product.
    pub(crate) product: String,
    /// For these numbers of the later dose.
    pub(crate) dose_from: u16,
    pub(crate) dose_to: Option<u16>,
    /// By the later dose's day.
    pub(crate) valid_from: Date,
    pub(crate) valid_until: Option<Date>,
    pub(crate) days_min: i64,
    pub(crate) days_max: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spelling {
    maker: String,
    spelling: String,
}

/// Why tables are no rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRules {
    #[error("line {line} of the table {table} can't be read")]
    Row { table: &'static str, line: u64 },
    #[error("the table {table} has a span that ends before it begins")]
    Span { table: &'static str },
    #[error("the products have a lot of a shape that is not made of A, 9 and fixed letters")]
    LotShape,
}

impl Rules {
    /// The tables that ship with the executable; a test parses them.
    pub fn shipped() -> Self {
        Self::parse(&SHIPPED).unwrap_or_default()
    }

    pub fn parse(tables: &Tables<'_>) -> Result<Self, InvalidRules> {
        let campaigns: Vec<Campaign> = rows("campaigns", tables.campaigns)?;
        let mut products: Vec<Product> = rows("products", tables.products)?;
        products.iter_mut().for_each(|row| row.folded = folded(&row.product));
        let intervals: Vec<Interval> = rows("intervals", tables.intervals)?;
        let spellings: Vec<Spelling> = rows("makers", tables.makers)?;
        let ordered = |table, ordered: bool| {
            if ordered { Ok(()) } else { Err(InvalidRules::Span { table }) }
        };
        let is_span = |from: Date, until: Option<Date>| until.is_none_or(|until| from <= until);
        ordered("campaigns", campaigns.iter().all(|row| is_span(row.starts_on, row.ends_on)))?;
        ordered("products", products.iter().all(|row| is_span(row.used_from, row.used_until)))?;
        let spans = |row: &Interval| {
            is_span(row.valid_from, row.valid_until)
                && row.days_max.is_none_or(|max| row.days_min <= max)
                && row.dose_to.is_none_or(|to| row.dose_from <= to)
        };
        ordered("intervals", intervals.iter().all(spans))?;
        if !products.iter().flat_map(Product::lot_shapes).all(lot::is_shape) {
            return Err(InvalidRules::LotShape);
        }
        let own = products.iter().map(|row| (folded(&row.maker), row.maker.clone()));
        let other = spellings.into_iter().map(|row| (folded(&row.spelling), row.maker));
        let makers = own.chain(other).collect();
        Ok(Self { campaigns, products, intervals, makers })
    }

    pub(crate) fn campaign(&self, kind: &str) -> Option<&Campaign> {
        self.campaigns.iter().find(|row| row.kind == kind)
    }

    /// The maker that a spelling means.
    pub(crate) fn maker(&self, spelling: &str) -> Option<&str> {
        let spelling = folded(spelling);
        self.makers.iter().find(|(known, _)| *known == spelling).map(|(_, maker)| maker.as_str())
    }

    /// Every spelling of every maker of a kind, and the maker.
    pub(crate) fn spellings(&self, kind: &str) -> impl Iterator<Item = (&str, &str)> {
        let makes = move |maker: &str| self.products(kind).any(|row| row.maker == maker);
        let all = self.makers.iter().map(|(spelling, maker)| (spelling.as_str(), maker.as_str()));
        all.filter(move |(_, maker)| makes(maker))
    }

    pub(crate) fn products(&self, kind: &str) -> impl Iterator<Item = &Product> {
        self.products.iter().filter(move |row| row.kind == kind)
    }

    /// The product a spelling means.
    pub(crate) fn product(&self, kind: &str, spelling: &str) -> Option<&Product> {
        let spelling = folded(spelling);
        self.products(kind).find(|row| row.folded == spelling)
    }

    /// The rule between a dose of this number and the one before it: the narrowest that fits.
    pub(crate) fn interval(
        &self,
        (kind, maker, product): (&str, Option<&str>, Option<&str>),
        (number, date): (u16, Date),
    ) -> Option<&Interval> {
        let is_or_any = |rule: &str, given: Option<&str>| rule.is_empty() || given == Some(rule);
        let fits = |row: &&Interval| {
            row.kind == kind
                && is_or_any(&row.maker, maker)
                && is_or_any(&row.product, product)
                && row.dose_from <= number
                && row.dose_to.is_none_or(|to| number <= to)
                && row.valid_from <= date
                && row.valid_until.is_none_or(|until| date <= until)
        };
        let narrowness = |row: &&Interval| (!row.product.is_empty(), !row.maker.is_empty());
        self.intervals.iter().filter(fits).max_by_key(narrowness)
    }
}

impl Product {
    pub(crate) fn lot_shapes(&self) -> impl Iterator<Item = &str> {
        self.lots.split_ascii_whitespace()
    }

    pub(crate) fn is_used_on(&self, date: Date) -> bool {
        self.used_from <= date && self.used_until.is_none_or(|until| date <= until)
    }
}

fn rows<T: for<'de> Deserialize<'de>>(
    table: &'static str,
    text: &str,
) -> Result<Vec<T>, InvalidRules> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let row = |(line, row): (u64, Result<T, csv::Error>)| {
        row.map_err(|_| InvalidRules::Row { table, line })
    };
    (2..).zip(reader.deserialize()).map(row).collect()
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn the_shipped_tables_are_rules() {
        let rules = Rules::parse(&SHIPPED).unwrap();
        assert!(!rules.products.is_empty() && !rules.intervals.is_empty());
        for row in &rules.products {
            assert!(
                rules.campaign(&row.kind).unwrap().starts_on <= row.used_from,
                "{}",
                row.product
            );
        }
        let known = |maker: &str| rules.products.iter().any(|row| row.maker == maker);
        for (spelling, maker) in &rules.makers {
            assert!(known(maker), "{maker}");
            assert_eq!(rules.maker(spelling), Some(maker.as_str()), "two makers share a spelling");
        }
        for row in &rules.intervals {
            assert!(row.maker.is_empty() || known(&row.maker), "{}", row.maker);
            assert!(row.product.is_empty() || rules.product(&row.kind, &row.product).is_some());
        }
    }

    #[test]
    fn a_broken_table_names_its_line() {
        let parsed = |tables: Tables<'_>| Rules::parse(&tables).map(drop);
        let campaigns = "kind,starts_on,ends_on\nflu,2020-10-01,\nflu,soon,\n";
        let row = InvalidRules::Row { table: "campaigns", line: 3 };
        assert_eq!(parsed(Tables { campaigns, ..SHIPPED }), Err(row));
        let campaigns = "kind,starts_on,ends_on\nflu,2020-10-01,2020-09-30\n";
        let span = InvalidRules::Span { table: "campaigns" };
        assert_eq!(parsed(Tables { campaigns, ..SHIPPED }), Err(span));
        let products = "kind,maker,product,used_from,used_until,age_days_min,age_days_max,lots\n\
                        flu,m,p,2020-10-01,,,,AA9?\n";
        assert_eq!(parsed(Tables { products, ..SHIPPED }), Err(InvalidRules::LotShape));
    }

    #[test]
    fn the_interval_of_a_third_dose_is_that_of_its_day() {
        let rules = Rules::shipped();
        let days = |product, date| {
            let vaccine = (DEFAULT_KIND, Some("ファイザー"), product);
            rules.interval(vaccine, (3, date)).map(|row| row.days_min)
        };
        assert_eq!(days(None, date!(2021 - 11 - 30)), None);
        assert_eq!(days(None, date!(2021 - 12 - 01)), Some(178));
        assert_eq!(days(None, date!(2022 - 10 - 21)), Some(88));
        assert_eq!(days(Some("コミナティ筋注6ヵ月～4歳用"), date!(2023 - 01 - 01)), Some(55));
    }
}
