//! The smallest writer of HTML that can't be talked into anything: what is not a tag of ours is
//! escaped, in whatever order it comes.

/// A page that grows.
#[derive(Default)]
pub(crate) struct Html(String);

/// An element; its name is always a word of ours.
type Tag = &'static str;

impl Html {
    /// Markup of ours, as it stands.
    pub(crate) fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// Anything else, as text.
    pub(crate) fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // Invisible marks that turn the order of what is read around.
                '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => self.0.push('\u{FFFD}'),
                c if c.is_control() => self.0.push('\u{FFFD}'),
                c => self.0.push(c),
            }
        }
    }

    /// `<tag>text</tag>`.
    pub(crate) fn element(&mut self, tag: Tag, text: &str) {
        self.tag("<", tag);
        self.text(text);
        self.tag("</", tag);
    }

    /// A table with a header; an empty one is a sentence.
    pub(crate) fn table(&mut self, title: &str, columns: &[&str], rows: &[Vec<String>]) {
        self.element("h2", title);
        if rows.is_empty() {
            return self.element("p", "該当する記録はありません。");
        }
        self.raw("<table><thead><tr>");
        columns.iter().for_each(|column| self.element("th", column));
        self.raw("</tr></thead><tbody>");
        for row in rows {
            self.raw("<tr>");
            row.iter().for_each(|cell| self.element("td", cell));
            self.raw("</tr>");
        }
        self.raw("</tbody></table>");
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }

    fn tag(&mut self, open: &'static str, tag: Tag) {
        self.0.push_str(open);
        self.0.push_str(tag);
        self.0.push('>');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let mut html = Html::default();
        html.element("td", "</td><script>\"'&\u{202E}\u{1}");
        let want = "<td>&lt;/td&gt;&lt;script&gt;&quot;&#39;&amp;\u{FFFD}\u{FFFD}</td>";
        assert_eq!(html.finish(), want);
    }
}
