//! What a document says and the software does not do.

use crate::Error;

/// A block that is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{document}:{line}: {wrong}")]
pub struct Failure {
    /// The document's path.
    pub document: String,
    /// The line of the block.
    pub line: usize,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What is wrong with a block.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// A statement failed.
    #[error("an error that the document does not expect:\n{output}")]
    Refused {
        /// What was printed.
        output: String,
    },
    /// A block should have failed otherwise.
    #[error("SQLSTATE {expected} was expected, {found} came:\n{output}")]
    OtherSqlstate {
        /// The SQLSTATE that the document says.
        expected: String,
        /// The one that came; 00000 where nothing failed.
        found: String,
        /// What was printed.
        output: String,
    },
    /// The output is not what the document shows.
    #[error("the output is not that of the document, but:\n{output}")]
    OtherOutput {
        /// What was printed.
        output: String,
    },
    /// A block without a meaning for the test.
    #[error("a block of `{language}` that nothing checks: execute it, or say why it is skipped")]
    Unchecked {
        /// Its language.
        language: String,
    },
    /// A command without a meaning for the test.
    #[error("nothing checks this command: {command}")]
    UncheckedCommand {
        /// The command.
        command: String,
    },
    /// A command that names what does not exist.
    #[error("there is no {what}: {command}")]
    NoSuch {
        /// What it names.
        what: String,
        /// The command.
        command: String,
    },
    /// A quotation that is not in the file.
    #[error("this is not in {file}")]
    NotQuoted {
        /// The file.
        file: String,
    },
    /// A statement without its semicolon.
    #[error("the last statement does not end")]
    Unfinished,
    /// A comment that the test does not understand.
    #[error("unknown instruction: {comment}")]
    Comment {
        /// The comment.
        comment: String,
    },
    /// The harness failed.
    #[error(transparent)]
    Harness(#[from] Error),
}
