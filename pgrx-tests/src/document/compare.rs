//! Compares output with what a document shows.

/// Whether the output is what the document shows. Empty lines, widths of columns and spaces at the ends do not count.
pub(super) fn same_output(shown: &str, output: &[String]) -> bool {
    let shown: Vec<String> = shown
        .lines()
        .map(normal)
        .filter(|line| !line.is_empty())
        .collect();
    let output: Vec<String> = output
        .iter()
        .map(|line| normal(line))
        .filter(|line| !line.is_empty())
        .collect();
    lines_match(&shown, &output)
}

/// Whether the quotation is in the file, line by line.
pub(super) fn is_quoted(quotation: &str, file: &str) -> bool {
    let quotation: Vec<String> = quotation
        .lines()
        .map(normal)
        .filter(|line| !line.is_empty())
        .collect();
    let file: Vec<String> = file
        .lines()
        .map(normal)
        .filter(|line| !line.is_empty())
        .collect();
    let mut pattern = vec!["…".to_owned()];
    pattern.extend(quotation);
    pattern.push("…".to_owned());
    lines_match(&pattern, &file)
}

/// One space for many, one dash for a line of dashes.
fn normal(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let line = words.join(" ");
    if line.contains('-') && line.chars().all(|c| matches!(c, '-' | '+')) {
        let columns: Vec<&str> = line.split('+').map(|_| "-").collect();
        return columns.join("+");
    }
    line
}

fn lines_match(shown: &[String], output: &[String]) -> bool {
    match shown.split_first() {
        None => output.is_empty(),
        Some((first, rest)) if first == "…" => {
            (0..=output.len()).any(|skipped| lines_match(rest, &output[skipped..]))
        }
        Some((first, rest)) => match output.split_first() {
            Some((line, more)) => line_matches(first, line) && lines_match(rest, more),
            None => false,
        },
    }
}

fn line_matches(shown: &str, line: &str) -> bool {
    match shown.split_once('…') {
        None => shown == line,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            let ends = rest.char_indices().map(|(end, _)| end);
            ends.chain([rest.len()])
                .any(|end| line_matches(after, &rest[end..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn columns_may_have_other_widths() {
        let printed = output(" id | name \n----+------\n  1 | a\n(1 row)\n\n");
        assert!(same_output(
            " id |  name\n----+---------\n  1 | a\n(1 row)",
            &printed
        ));
        assert!(!same_output(
            " id | name\n----+------\n  2 | a\n(1 row)",
            &printed
        ));
        assert!(!same_output(" id | name\n----+------\n  1 | a", &printed));
    }

    #[test]
    fn an_ellipsis_stands_for_characters_or_for_lines() {
        assert!(same_output("sg-… | a … b", &output("sg-12 | a 1 b")));
        assert!(!same_output("sg-… | a … b", &output("sg-12 | a 1 c")));
        assert!(same_output("a\n…\nz", &output("a\nb\nc\nz")));
        assert!(same_output("a\n…\nz", &output("a\nz")));
        assert!(!same_output("a\n…\nz", &output("b\nz")));
    }

    #[test]
    fn a_quotation_is_found_wherever_it_is_in_the_file() {
        let file = "one\n  two\nthree\nfour\n";
        assert!(is_quoted("two\n…\nfour", file));
        assert!(!is_quoted("two\nfour", file));
    }
}
