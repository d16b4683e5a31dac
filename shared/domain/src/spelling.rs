//! One spelling for texts that mean the same: width, case, spaces, small kana.

/// Half-width kana in the order of their code points, in full width.
const KANA: &str = "ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン";
/// Kana that take a voiced mark, each followed by its voiced form.
const VOICED: &str =
    "カガキギクグケゲコゴサザシジスズセゼソゾタダチヂツヅテデトドハバヒビフブヘベホボウヴ";
const HALF_VOICED: &str = "ハパヒピフプヘペホポ";
/// Small kana, each followed by its large form.
const SMALL: &str = "ァアィイゥウェエォオャヤュユョヨッツヮワヵカヶケ";

/// Full width to half width for Latin letters and digits, the other way for kana; upper case;
/// without spaces and marks between words.
pub fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match narrow(c) {
            '\u{FF9E}' | '\u{3099}' | '\u{309B}' => mark(&mut out, VOICED),
            '\u{FF9F}' | '\u{309A}' | '\u{309C}' => mark(&mut out, HALF_VOICED),
            c if is_between(c) => {}
            c => out.extend(c.to_uppercase()),
        }
    }
    out
}

/// A name's kana as registers of different makers would all spell it: without small kana too.
pub fn folded_name(kana: &str) -> String {
    folded(kana).chars().map(|c| partner(SMALL, c).unwrap_or(c)).collect()
}

fn narrow(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => shifted(c, '\u{FF01}', '!'),
        '\u{FF66}'..='\u{FF9D}' => {
            let place = usize::try_from(u32::from(c) - 0xFF66).unwrap_or(usize::MAX);
            KANA.chars().nth(place).unwrap_or(c)
        }
        // Hiragana.
        '\u{3041}'..='\u{3096}' => shifted(c, '\u{3041}', '\u{30A1}'),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c => c,
    }
}

fn shifted(c: char, from: char, to: char) -> char {
    char::from_u32(u32::from(c) - u32::from(from) + u32::from(to)).unwrap_or(c)
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || matches!(c, '・' | '\u{FF65}' | '/' | '-' | '.' | ',' | '\'' | '·')
}

/// Joins a mark to the kana before it.
fn mark(out: &mut String, pairs: &str) {
    if let Some(last) = out.pop() {
        out.push(partner(pairs, last).unwrap_or(last));
    }
}

fn partner(pairs: &str, c: char) -> Option<char> {
    let mut pairs = pairs.chars();
    while let (Some(plain), Some(other)) = (pairs.next(), pairs.next()) {
        if plain == c {
            return Some(other);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_name_in_many_spellings_is_one_name() {
        for text in ["ｻﾄｳ ﾀﾛｳ", "サトウ　タロウ", "さとう　たろう", "サトウタロウ"]
        {
            assert_eq!(folded_name(text), "サトウタロウ", "{text}");
        }
        assert_eq!(folded_name("ｼﾞｮｰｼﾞ ﾊﾟﾝ"), folded_name("ジョージ・パン"));
        assert_eq!(folded_name("リョウ"), "リヨウ");
        assert_ne!(folded_name("ハタ"), folded_name("ハダ"));
    }

    #[test]
    fn makers_and_lots_are_folded_too() {
        assert_eq!(folded("ｅｘ　０００１"), "EX0001");
        assert_eq!(folded("武田／モデルナ"), "武田モデルナ");
        assert_eq!(folded("ﾌｧｲｻﾞｰ"), "ファイザー");
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing_more(text in "\\PC{0,30}") {
            prop_assert_eq!(folded(&folded(&text)), folded(&text));
            prop_assert_eq!(folded_name(&folded_name(&text)), folded_name(&text));
        }
    }
}
