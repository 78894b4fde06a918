//! The blocks of a Markdown document and the comments that belong to the test.

/// A part of the document that the test looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// The line it begins in, counted from 1.
    pub(super) line: usize,
    /// What it is.
    pub(super) what: What,
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A fenced block, or SQL in a comment.
    Block {
        /// The word after the fence.
        language: String,
        /// What it holds.
        text: String,
        /// The instruction before it: all that follows `test:`.
        instruction: Option<String>,
    },
    /// From here on another database.
    Database(String),
}

/// The items of a document, in order.
pub(super) fn items(document: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut instruction = None;
    let mut lines = document.lines().zip(1..);
    while let Some((first, line)) = lines.next() {
        let (opening, end) = match first.trim_start().strip_prefix("```") {
            Some(language) => (Some(language), "```"),
            None if first == "<!-- sql" => (Some("sql"), "-->"),
            None => (None, ""),
        };
        if let Some(language) = opening {
            let indent = first.len() - first.trim_start().len();
            let text: Vec<&str> = lines
                .by_ref()
                .map(|(line, _)| line)
                .take_while(|line| line.trim_start() != end)
                .map(|line| line.get(indent..).unwrap_or_default())
                .collect();
            let what = What::Block {
                language: language.trim().to_owned(),
                text: text.join("\n"),
                instruction: instruction.take(),
            };
            items.push(Item { line, what });
        } else if let Some(said) = comment(first) {
            match said.strip_prefix("database ") {
                Some(name) => items.push(Item {
                    line,
                    what: What::Database(name.to_owned()),
                }),
                None => instruction = Some(said.to_owned()),
            }
        }
    }
    items
}

fn comment(line: &str) -> Option<&str> {
    let said = line.trim().strip_prefix("<!-- test: ")?;
    said.strip_suffix("-->").map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_carry_their_language_their_instruction_and_their_text() {
        let document = "Text.\n<!-- test: fails 42501 -->\n\n```sql\nSELECT 1;\n\nSELECT 2;\n```\n- list\n  ```sh\n  make\n  ```\n";
        let block = |line, language: &str, text: &str, instruction: Option<&str>| Item {
            line,
            what: What::Block {
                language: language.to_owned(),
                text: text.to_owned(),
                instruction: instruction.map(str::to_owned),
            },
        };
        assert_eq!(
            items(document),
            [
                block(4, "sql", "SELECT 1;\n\nSELECT 2;", Some("fails 42501")),
                block(10, "sh", "make", None),
            ]
        );
    }

    #[test]
    fn comments_hold_statements_and_name_databases() {
        let document =
            "<!-- test: database copy -->\n<!-- sql\nSELECT 1;\n-->\n<!-- a remark -->\n";
        assert_eq!(
            items(document),
            [
                Item {
                    line: 1,
                    what: What::Database("copy".to_owned())
                },
                Item {
                    line: 2,
                    what: What::Block {
                        language: "sql".to_owned(),
                        text: "SELECT 1;".to_owned(),
                        instruction: None
                    }
                },
            ]
        );
    }
}
