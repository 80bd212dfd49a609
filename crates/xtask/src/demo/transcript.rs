//! What a user said to a voice assistant: as many lines as are asked for, the same each time, no
//! two of them equal.

const SAID: [&str; 12] = [
    "set a timer for {n} minutes for the {thing}",
    "remind me to water the {thing} at {hour}",
    "what is the weather in {place} at {hour}",
    "add {n} packets of {thing} to the shopping list",
    "take my medicine, dose {n}, at {hour}",
    "play the song number {n} from {place}",
    "note that the {thing} is in the box with number {n}",
    "call the garage in {place} about the {thing}",
    "how long is the drive to {place} if I leave at {hour}",
    "turn the heating in the hall to {n} degrees",
    "book a table in {place} for {n} people at {hour}",
    "write down: the {thing} costs {n} euros in {place}",
];
const THINGS: [&str; 7] = [
    "basil", "tea", "rice", "bicycle", "lamp", "oat milk", "kettle",
];
const PLACES: [&str; 5] = ["Lisbon", "Ghent", "Graz", "Turku", "Brno"];

/// The line with this number, from 0 on.
pub fn line(number: usize) -> String {
    let said = SAID[number % SAID.len()]
        .replace("{n}", &(2 + number % 23).to_string())
        .replace("{thing}", THINGS[number % THINGS.len()])
        .replace("{place}", PLACES[number % PLACES.len()])
        .replace(
            "{hour}",
            &format!("{}:{:02}", 6 + number % 16, number * 5 % 60),
        );
    format!("[{:05}] {said}", number + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn lines_repeat_but_never_equal_each_other() {
        let lines: HashSet<String> = (0..2000).map(line).collect();
        assert_eq!(lines.len(), 2000);
        assert_eq!(line(41), line(41));
    }

    #[test]
    fn a_line_is_one_line_without_gaps() {
        for number in 0..500 {
            let line = line(number);
            assert!(!line.contains(['\n', '{', '}']), "{line}");
        }
    }
}
