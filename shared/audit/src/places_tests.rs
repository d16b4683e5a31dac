use ledger::leaf_hash;

use super::*;

fn hash(number: u64) -> Hash {
    leaf_hash(&number.to_be_bytes())
}

type Found = Vec<(Kind, u64, u64)>;

/// Which body stands in each place: a number of a leaf, or one beyond all leaves for a foreign one.
fn judge(size: u64, places: &[Option<u64>]) -> (Found, Vec<u64>) {
    let (mut findings, mut judged) = (Findings::default(), Places::default());
    let end = size.max(u64::try_from(places.len()).unwrap());
    for index in 0..end {
        let leaf = (index < size).then(|| hash(index));
        match places.get(usize::try_from(index).unwrap()).copied().flatten() {
            Some(body) if body == index && index < size => {}
            Some(body) => {
                if let Some(leaf) = leaf {
                    judged.is_lost(index, leaf);
                }
                judged.is_foreign(index, (hash(body), b""), &mut findings);
            }
            None if index < size => judged.is_empty_at(index, leaf),
            None => {}
        }
    }
    let missing = judged.judge(size, &mut findings);
    let list = findings.into_list().into_iter();
    (list.map(|f| (f.kind, f.from_index, f.to_index)).collect(), missing.iter().flatten().collect())
}

fn own(size: u64) -> Vec<Option<u64>> {
    (0..size).map(Some).collect()
}

#[test]
fn what_stands_in_its_place_is_not_mentioned() {
    assert_eq!(judge(600, &own(600)), (vec![], vec![]));
    assert_eq!(judge(0, &[]), (vec![], vec![]));
}

#[test]
fn edited_and_missing_bodies_are_named() {
    let mut places = own(600);
    (places[3], places[4], places[599]) = (Some(9_001), Some(9_002), Some(9_003));
    (places[10], places[11], places[500]) = (None, None, None);
    let edited = vec![(Kind::Edited, 3, 5), (Kind::Edited, 599, 600)];
    assert_eq!(judge(600, &places), (edited, vec![10, 11, 500]));
}

#[test]
fn swapped_bodies_are_both_named_however_far_apart() {
    for (a, b) in [(3, 4), (3, 599), (0, 300)] {
        let mut places = own(600);
        places.swap(a, b);
        let (a, b) = (u64::try_from(a).unwrap(), u64::try_from(b).unwrap());
        let swapped = if a + 1 == b {
            vec![(Kind::Swapped, a, b + 1)]
        } else {
            vec![(Kind::Swapped, a, a + 1), (Kind::Swapped, b, b + 1)]
        };
        assert_eq!(judge(600, &places), (swapped, vec![]));
    }
    let mut places = own(20);
    places[4..10].rotate_left(2);
    assert_eq!(judge(20, &places), (vec![(Kind::Swapped, 4, 10)], vec![]));
}

#[test]
fn a_foreign_body_that_pushes_others_back_is_the_only_one_named() {
    for (at, count) in [(0, 1), (7, 1), (599, 1), (7, 3), (600, 2)] {
        let mut places = own(600);
        for one in 0..count {
            places.insert(at, Some(9_000 + one));
        }
        let at = u64::try_from(at).unwrap();
        assert_eq!(judge(600, &places), (vec![(Kind::Inserted, at, at + count)], vec![]));
    }
}

#[test]
fn a_body_taken_out_of_the_row_is_the_only_one_named() {
    for (at, count) in [(0, 1), (7, 1), (599, 1), (7, 3)] {
        let mut places = own(600);
        places.drain(at..at + count);
        let (at, count) = (u64::try_from(at).unwrap(), u64::try_from(count).unwrap());
        assert_eq!(judge(600, &places), (vec![], (at..at + count).collect()), "{at} {count}");
    }
}

#[test]
fn several_of_these_at_once_are_told_apart() {
    let mut places = own(600);
    places[550] = Some(9_009);
    places.swap(20, 30);
    places.insert(100, Some(9_001));
    places.insert(200, Some(9_002));
    places.remove(400);
    places[500] = None;
    let (found, missing) = judge(600, &places);
    let expected = vec![
        (Kind::Swapped, 20, 21),
        (Kind::Swapped, 30, 31),
        (Kind::Inserted, 100, 101),
        (Kind::Inserted, 200, 201),
        (Kind::Edited, 550, 551),
    ];
    assert_eq!(found, expected);
    // The one that was taken out, and the empty place of the one that had been pushed there.
    assert_eq!(missing, [398, 499]);
}

#[test]
fn a_body_that_took_anothers_place_leaves_its_own_empty() {
    let mut places = own(600);
    (places[9], places[5]) = (Some(5), None);
    assert_eq!(judge(600, &places), (vec![(Kind::Edited, 9, 10)], vec![5]));
    let mut places = own(600);
    (places[5], places[9]) = (Some(9), None);
    assert_eq!(judge(600, &places), (vec![(Kind::Edited, 5, 6)], vec![9]));
    let mut places = own(600);
    places[9] = Some(5);
    assert_eq!(judge(600, &places), (vec![(Kind::Edited, 9, 10)], vec![]));
}

#[test]
fn more_edited_bodies_than_wait_are_named_all_the_same() {
    let size = u64::try_from(WAITING_MAX).unwrap() + 10;
    let places: Vec<_> = (0..size).map(|index| Some(index + size)).collect();
    let (found, missing) = judge(size, &places);
    assert_eq!((found.len(), found.first(), missing.len()), (1, Some(&(Kind::Edited, 0, size)), 0));
}
