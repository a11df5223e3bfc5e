//! Reads Server-Sent Events (WHATWG HTML, section 9.2.6) from the bytes of an answer.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Response;

/// No line of ours is nearly as long, in bytes; a server that sends one is none of ours.
const LONGEST_LINE: usize = 1_000_000;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its name; `message` where it has none.
    pub name: String,
    pub data: String,
    /// The last id that was sent up to here, which is where a client goes on.
    pub id: String,
}

/// The messages of an answer.
pub struct Messages {
    response: Response,
    quiet: Duration,
    parser: Parser,
    ready: std::vec::IntoIter<Message>,
}

impl Messages {
    /// An answer that says nothing for as long as `quiet`, heartbeats included, is taken for broken.
    pub fn of(response: Response, quiet: Duration) -> Self {
        Self { response, quiet, parser: Parser::default(), ready: Vec::new().into_iter() }
    }

    /// The next message; none at the end of the answer.
    pub async fn next(&mut self) -> Result<Option<Message>> {
        loop {
            if let Some(message) = self.ready.next() {
                return Ok(Some(message));
            }
            let read = tokio::time::timeout(self.quiet, self.response.chunk()).await;
            let read = read.with_context(|| format!("the stream said nothing for {} s", self.quiet.as_secs()))?;
            let Some(bytes) = read.context("read the stream")? else { return Ok(None) };
            self.ready = self.parser.push(&bytes)?.into_iter();
        }
    }

    /// The last id that was sent; empty before the first. It may stand in a block without data, ahead of any message.
    pub fn last_id(&self) -> &str {
        &self.parser.last_id
    }
}

/// The state between two pieces of the stream.
#[derive(Debug, Default)]
struct Parser {
    /// Of the line that has not ended yet.
    line: Vec<u8>,
    /// A line feed that comes now belongs to the carriage return before it.
    after_return: bool,
    name: String,
    data: String,
    id: String,
    last_id: String,
}

impl Parser {
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Message>> {
        let mut messages = Vec::new();
        for byte in bytes {
            let second_half = std::mem::take(&mut self.after_return) && *byte == b'\n';
            match byte {
                b'\n' if second_half => {}
                b'\n' | b'\r' => {
                    self.after_return = *byte == b'\r';
                    let line = std::mem::take(&mut self.line);
                    messages.extend(self.end_line(&String::from_utf8_lossy(&line)));
                }
                _ => self.line.push(*byte),
            }
            ensure!(self.line.len() < LONGEST_LINE, "a line of the stream is too long");
        }
        Ok(messages)
    }

    /// A field, a comment, or the empty line that ends a message.
    fn end_line(&mut self, line: &str) -> Option<Message> {
        if line.is_empty() {
            return self.end_block();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            // Comments, `retry`, and what later versions add.
            _ => {}
        }
        None
    }

    fn end_block(&mut self) -> Option<Message> {
        self.id.clone_into(&mut self.last_id);
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        let data = data.strip_suffix('\n')?.to_owned();
        Some(Message { name: if name.is_empty() { "message".to_owned() } else { name }, data, id: self.last_id.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str, data: &str, id: &str) -> Message {
        Message { name: name.to_owned(), data: data.to_owned(), id: id.to_owned() }
    }

    #[test]
    fn messages_are_the_same_however_the_bytes_are_cut() {
        let stream = "retry: 2000\nid: 4\n\n: comment\n\nevent: webhook\nid: 5\ndata: {\"é\":1}\n\ndata:two\r\ndata: lines\r\n\r\nevent: x\n\nid: 6\rdata\r\r";
        let expected = [message("webhook", "{\"é\":1}", "5"), message("message", "two\nlines", "5"), message("message", "", "6")];
        for size in [1, 2, 3, 7, stream.len()] {
            let mut parser = Parser::default();
            let read: Vec<Message> = stream.as_bytes().chunks(size).flat_map(|piece| parser.push(piece).unwrap()).collect();
            assert_eq!(read, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn an_id_counts_once_its_block_has_ended_even_without_data() {
        let mut parser = Parser::default();
        assert_eq!(parser.push(b"id: 4\n\nid: 5\ndata: x\n").unwrap(), []);
        assert_eq!(parser.last_id, "4");
        assert_eq!(parser.push(b"\n").unwrap(), [message("message", "x", "5")]);
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let mut parser = Parser::default();
        assert!(parser.push(&vec![b'a'; LONGEST_LINE]).is_err());
    }
}
