//! The list itself. It knows nothing of files, so that it can be tested anywhere.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct List {
    pub items: Vec<String>,
}

impl List {
    pub fn add(&mut self, text: &str) {
        self.items.push(text.to_owned());
    }

    /// Removes an item by its number, as it is shown.
    pub fn done(&mut self, number: &str) -> Result<String, String> {
        let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        match index {
            Some(index) if index < self.items.len() => Ok(self.items.remove(index)),
            _ => Err(format!("there is no item {number}")),
        }
    }

    /// A line for each item, with its number.
    pub fn text(&self) -> String {
        let lines = self.items.iter().zip(1..);
        lines.map(|(item, number)| format!("{number} {item}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[&str]) -> List {
        List {
            items: items.iter().map(|&item| item.to_owned()).collect(),
        }
    }

    #[test]
    fn what_is_added_is_last() {
        let mut list = list(&["eat"]);
        list.add("sleep");
        assert_eq!(list.text(), "1 eat\n2 sleep\n");
    }

    #[test]
    fn what_is_done_is_gone() {
        let mut list = list(&["eat", "sleep"]);
        assert_eq!(list.done("1"), Ok("eat".to_owned()));
        assert_eq!(list.text(), "1 sleep\n");
    }

    #[test]
    fn what_is_not_there_cannot_be_done() {
        let mut list = list(&["eat"]);
        for number in ["0", "2", "-1", "eat"] {
            assert!(list.done(number).is_err(), "{number}");
        }
        assert_eq!(list.text(), "1 eat\n");
    }
}
