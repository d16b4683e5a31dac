//! The smallest writer of HTML that can't be talked into anything: what is not a tag of ours is
//! escaped, in whatever order it comes.

/// A page that grows.
#[derive(Default)]
pub(crate) struct Html(String);

/// An element; its name is always a word of ours.
type Tag = &'static str;

/// One cell of a table: what it says first, and what it says below.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    /// A word in a frame, such as what became of a record.
    mark: Option<&'static str>,
    more: Vec<String>,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub(crate) fn mark(self, mark: &'static str) -> Self {
        Self { mark: Some(mark), ..self }
    }

    /// A further line; an empty one is none.
    pub(crate) fn line(mut self, line: impl Into<String>) -> Self {
        let line = line.into();
        if !line.is_empty() {
            self.more.push(line);
        }
        self
    }

    pub(crate) fn lines(self, lines: impl IntoIterator<Item = String>) -> Self {
        lines.into_iter().fold(self, Self::line)
    }
}

/// A row of a table; a faint one does not count any more.
pub(crate) struct Row {
    pub(crate) cells: Vec<Cell>,
    pub(crate) is_faint: bool,
}

impl Row {
    pub(crate) fn new(cells: Vec<Cell>) -> Self {
        Self { cells, is_faint: false }
    }
}

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

    /// A term and what it means.
    pub(crate) fn term(&mut self, term: &str, meaning: &str) {
        self.element("dt", term);
        self.element("dd", meaning);
    }

    /// A table with a header that is said again on every sheet.
    pub(crate) fn table(&mut self, columns: &[&str], rows: &[Row]) {
        self.raw("<table><thead><tr>");
        for column in columns {
            self.raw("<th scope=\"col\">");
            self.text(column);
            self.raw("</th>");
        }
        self.raw("</tr></thead><tbody>");
        for row in rows {
            self.raw(if row.is_faint { "<tr class=\"faint\">" } else { "<tr>" });
            row.cells.iter().for_each(|cell| self.cell(cell));
            self.raw("</tr>");
        }
        self.raw("</tbody></table>");
    }

    fn cell(&mut self, cell: &Cell) {
        self.raw("<td>");
        self.text(&cell.text);
        if let Some(mark) = cell.mark {
            self.element("strong", mark);
        }
        cell.more.iter().for_each(|line| self.element("p", line));
        self.raw("</td>");
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

    #[test]
    fn a_cell_says_its_lines_one_below_the_other_and_no_empty_one() {
        let mut html = Html::default();
        html.cell(&Cell::new("1<").mark("今").line("").line("2&"));
        assert_eq!(html.finish(), "<td>1&lt;<strong>今</strong><p>2&amp;</p></td>");
    }
}
