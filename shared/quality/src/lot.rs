//! The shapes of lot numbers, and the nearest right spelling of a misspelt one.

/// Letters and digits that are taken for each other.
const ALIKE: [(char, char); 8] = [
    ('O', '0'),
    ('I', '1'),
    ('S', '5'),
    ('B', '8'),
    ('Z', '2'),
    ('D', '0'),
    ('Q', '0'),
    ('L', '1'),
];

/// `A` stands for a letter, `9` for a digit.
pub(crate) fn is_shape(shape: &str) -> bool {
    !shape.is_empty() && shape.bytes().all(|b| matches!(b, b'A' | b'9'))
}

/// Whether a folded lot has a shape.
pub(crate) fn has_shape(lot: &str, shape: &str) -> bool {
    lot.len() == shape.len() && lot.chars().zip(shape.chars()).all(|(c, place)| fits(c, place))
}

fn fits(c: char, place: char) -> bool {
    if place == 'A' { c.is_ascii_uppercase() } else { c.is_ascii_digit() }
}

/// The lot that has the shape and was most likely meant: look-alikes exchanged, or two
/// characters side by side.
pub(crate) fn nearest(lot: &str, shape: &str) -> Option<String> {
    let chars: Vec<char> = lot.chars().collect();
    let alike = exchanged(&chars, shape);
    let swapped = || {
        let mut found = (1..chars.len()).filter_map(|place| {
            let mut other = chars.clone();
            other.swap(place - 1, place);
            let lot: String = other.iter().collect();
            has_shape(&lot, shape).then_some(lot)
        });
        let first = found.next()?;
        found.next().is_none().then_some(first)
    };
    alike.or_else(swapped)
}

fn exchanged(lot: &[char], shape: &str) -> Option<String> {
    if lot.len() != shape.len() {
        return None;
    }
    lot.iter().zip(shape.chars()).map(|(c, place)| alike(*c, place)).collect()
}

fn alike(c: char, place: char) -> Option<char> {
    if fits(c, place) {
        return Some(c);
    }
    let pairs = ALIKE.into_iter().flat_map(|(letter, digit)| [(letter, digit), (digit, letter)]);
    pairs.filter(|(given, _)| *given == c).map(|(_, meant)| meant).find(|meant| fits(*meant, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lot_has_the_shape_or_not() {
        for (lot, want) in
            [("EX0001", true), ("EX001", false), ("E00001", false), ("EX000A", false)]
        {
            assert_eq!(has_shape(lot, "AA9999"), want, "{lot}");
        }
    }

    #[test]
    fn look_alikes_and_swaps_lead_to_the_right_lot() {
        for (lot, want) in [
            ("EXO001", Some("EX0001")),
            ("E5I001", Some("ES1001")),
            ("E0X001", Some("EX0001")),
            ("EX00X1", None),
            ("3001", None),
        ] {
            assert_eq!(nearest(lot, "AA9999").as_deref(), want, "{lot}");
        }
    }
}
