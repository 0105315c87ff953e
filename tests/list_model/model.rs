//! Redis's lists as anybody would write them who need not make them fast: a `VecDeque` of elements a
//! key. A command is its words, and its reply RESP2's bytes.

use std::collections::{BTreeMap, VecDeque};

pub type Words = Vec<Vec<u8>>;

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

#[derive(Clone, Debug)]
pub enum Value {
    List(VecDeque<Vec<u8>>),
    Text(Vec<u8>),
}

/// All keys.
#[derive(Default)]
pub struct Model {
    keys: BTreeMap<Vec<u8>, Value>,
}

/// A reply that ends a command early.
type Outcome = Result<Vec<u8>, Vec<u8>>;

fn error(text: &str) -> Vec<u8> {
    format!("-{text}\r\n").into()
}

fn integer(number: i64) -> Vec<u8> {
    format!(":{number}\r\n").into()
}

fn bulk(bytes: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn nil() -> Vec<u8> {
    b"$-1\r\n".to_vec()
}

fn nil_array() -> Vec<u8> {
    b"*-1\r\n".to_vec()
}

fn ok() -> Vec<u8> {
    b"+OK\r\n".to_vec()
}

fn array(parts: &[Vec<u8>]) -> Vec<u8> {
    [format!("*{}\r\n", parts.len()).into_bytes(), parts.concat()].concat()
}

fn bulks<'a>(elements: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<u8> {
    let elements: Vec<Vec<u8>> = elements.into_iter().map(|element| bulk(element)).collect();
    array(&elements)
}

fn number(word: &[u8]) -> i64 {
    std::str::from_utf8(word).unwrap().parse().unwrap()
}

fn is(word: &[u8], name: &str) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes())
}

/// The elements that `start` and `stop` mean, as a range of places.
fn range(start: i64, stop: i64, length: usize) -> std::ops::Range<usize> {
    let length = length as i128;
    let place = |index: i64| {
        let index = i128::from(index);
        if index < 0 { index + length } else { index }
    };
    let (start, stop) = (place(start).max(0), place(stop).min(length - 1));
    if start > stop {
        0..0
    } else {
        start as usize..stop as usize + 1
    }
}

impl Model {
    /// Carries out a command.
    pub fn run(&mut self, words: &[Vec<u8>]) -> Vec<u8> {
        let name = String::from_utf8(words[0].to_ascii_uppercase()).unwrap();
        let outcome = self.carry_out(&name, &words[1..]);
        self.keys
            .retain(|_, value| !matches!(value, Value::List(list) if list.is_empty()));
        outcome.unwrap_or_else(|reply| reply)
    }

    fn list(&mut self, key: &[u8]) -> Result<Option<&mut VecDeque<Vec<u8>>>, Vec<u8>> {
        match self.keys.get_mut(key) {
            None => Ok(None),
            Some(Value::List(list)) => Ok(Some(list)),
            Some(Value::Text(_)) => Err(error(WRONG_TYPE)),
        }
    }

    fn list_or(&mut self, key: &[u8], reply: Vec<u8>) -> Result<&mut VecDeque<Vec<u8>>, Vec<u8>> {
        self.list(key)?.ok_or(reply)
    }

    /// The list, made if it is not there.
    fn made(&mut self, key: &[u8]) -> Result<&mut VecDeque<Vec<u8>>, Vec<u8>> {
        let new = || Value::List(VecDeque::new());
        self.keys.entry(key.to_vec()).or_insert_with(new);
        self.list_or(key, Vec::new())
    }

    fn carry_out(&mut self, name: &str, words: &[Vec<u8>]) -> Outcome {
        let key = &words[0][..];
        match name {
            "LPUSH" | "RPUSH" | "LPUSHX" | "RPUSHX" => {
                if name.ends_with('X') {
                    self.list_or(key, integer(0))?;
                }
                let list = self.made(key)?;
                for element in &words[1..] {
                    if name.starts_with('L') {
                        list.push_front(element.clone());
                    } else {
                        list.push_back(element.clone());
                    }
                }
                Ok(integer(list.len() as i64))
            }
            "LPOP" | "RPOP" => {
                let left = name == "LPOP";
                let Some(count) = words.get(1) else {
                    let list = self.list_or(key, nil())?;
                    return Ok(bulk(&pop(list, left)));
                };
                let count = number(count);
                if count < 0 {
                    return Err(error("ERR value is out of range, must be positive"));
                }
                let list = self.list_or(key, nil_array())?;
                Ok(bulks(&pops(list, left, count)))
            }
            "LLEN" => Ok(integer(self.list_or(key, integer(0))?.len() as i64)),
            "LRANGE" => {
                let list = self.list_or(key, array(&[]))?;
                let range = range(number(&words[1]), number(&words[2]), list.len());
                Ok(bulks(list.range(range)))
            }
            "LINDEX" => {
                let list = self.list_or(key, nil())?;
                let index = number(&words[1]);
                let element = range(index, index, list.len()).next();
                let inside = element.filter(|_| is_inside(index, list.len()));
                Ok(inside.map_or_else(nil, |place| bulk(&list[place])))
            }
            "LSET" => {
                let list = self.list_or(key, error("ERR no such key"))?;
                let index = number(&words[1]);
                if !is_inside(index, list.len()) {
                    return Err(error("ERR index out of range"));
                }
                let place = range(index, index, list.len()).start;
                list[place] = words[2].clone();
                Ok(ok())
            }
            "LINSERT" => {
                let list = self.list_or(key, integer(0))?;
                let Some(place) = list.iter().position(|element| *element == words[2]) else {
                    return Ok(integer(-1));
                };
                let place = place + usize::from(is(&words[1], "AFTER"));
                list.insert(place, words[3].clone());
                Ok(integer(list.len() as i64))
            }
            "LREM" => {
                let list = self.list_or(key, integer(0))?;
                let count = number(&words[1]);
                let mut left = match count.unsigned_abs() {
                    0 => u64::MAX,
                    count => count,
                };
                let before = list.len();
                let mut keep = |element: &Vec<u8>| {
                    let goes = left > 0 && *element == words[2];
                    left -= u64::from(goes);
                    !goes
                };
                if count < 0 {
                    let mut kept: VecDeque<_> = list
                        .drain(..)
                        .rev()
                        .filter(|element| keep(element))
                        .collect();
                    list.extend(kept.drain(..).rev());
                } else {
                    list.retain(keep);
                }
                Ok(integer((before - list.len()) as i64))
            }
            "LTRIM" => {
                let list = self.list_or(key, ok())?;
                let range = range(number(&words[1]), number(&words[2]), list.len());
                *list = list.range(range).cloned().collect();
                Ok(ok())
            }
            "LPOS" => self.position(key, &words[1], &words[2..]),
            "LMOVE" | "BLMOVE" => {
                let empty = if name == "LMOVE" { nil() } else { nil_array() };
                let from_left = is(&words[2], "LEFT");
                self.shift(key, &words[1], from_left, is(&words[3], "LEFT"), empty)
            }
            "RPOPLPUSH" => self.shift(key, &words[1], false, true, nil()),
            "BRPOPLPUSH" => self.shift(key, &words[1], false, true, nil_array()),
            "LMPOP" => self.pop_of_several(words),
            "BLMPOP" => self.pop_of_several(&words[1..]),
            "BLPOP" | "BRPOP" => {
                for key in &words[..words.len() - 1] {
                    if let Some(list) = self.list(key)? {
                        let element = pop(list, name == "BLPOP");
                        return Ok(array(&[bulk(key), bulk(&element)]));
                    }
                }
                Ok(nil_array())
            }
            "DEL" => {
                let gone = words.iter().filter(|key| self.keys.remove(*key).is_some());
                Ok(integer(gone.count() as i64))
            }
            "EXISTS" => {
                let there = words.iter().filter(|key| self.keys.contains_key(*key));
                Ok(integer(there.count() as i64))
            }
            "TYPE" => Ok(match self.keys.get(key) {
                None => b"+none\r\n".to_vec(),
                Some(Value::List(_)) => b"+list\r\n".to_vec(),
                Some(Value::Text(_)) => b"+string\r\n".to_vec(),
            }),
            "RENAME" => {
                let value = self.keys.remove(key);
                let value = value.ok_or_else(|| error("ERR no such key"))?;
                self.keys.insert(words[1].clone(), value);
                Ok(ok())
            }
            "COPY" => {
                if words[0] == words[1] {
                    return Err(error("ERR source and destination objects are the same"));
                }
                let replace = words.len() > 2;
                let Some(value) = self.keys.get(key).cloned() else {
                    return Ok(integer(0));
                };
                if !replace && self.keys.contains_key(&words[1]) {
                    return Ok(integer(0));
                }
                self.keys.insert(words[1].clone(), value);
                Ok(integer(1))
            }
            "SET" => {
                let value = Value::Text(words[1].clone());
                self.keys.insert(key.to_vec(), value);
                Ok(ok())
            }
            "GET" => match self.keys.get(key) {
                None => Ok(nil()),
                Some(Value::Text(text)) => Ok(bulk(text)),
                Some(Value::List(_)) => Err(error(WRONG_TYPE)),
            },
            _ => panic!("the model has no {name}"),
        }
    }

    fn shift(
        &mut self,
        from: &[u8],
        to: &[u8],
        from_left: bool,
        to_left: bool,
        empty: Vec<u8>,
    ) -> Outcome {
        self.list_or(from, empty)?;
        self.list(to)?;
        let element = pop(self.made(from)?, from_left);
        let list = self.made(to)?;
        if to_left {
            list.push_front(element.clone());
        } else {
            list.push_back(element.clone());
        }
        Ok(bulk(&element))
    }

    /// `numkeys key... LEFT|RIGHT [COUNT count]`
    fn pop_of_several(&mut self, words: &[Vec<u8>]) -> Outcome {
        let keys = number(&words[0]) as usize;
        let left = is(&words[keys + 1], "LEFT");
        let count = words.get(keys + 3).map_or(1, |word| number(word));
        for key in &words[1..=keys] {
            if let Some(list) = self.list(key)? {
                return Ok(array(&[bulk(key), bulks(&pops(list, left, count))]));
            }
        }
        Ok(nil_array())
    }

    /// LPOS: options are `RANK`, `COUNT` and `MAXLEN`, each with a number.
    fn position(&mut self, key: &[u8], wanted: &[u8], options: &[Vec<u8>]) -> Outcome {
        let option = |name: &str| {
            let found = options.chunks_exact(2).find(|pair| is(&pair[0], name));
            found.map(|pair| number(&pair[1]))
        };
        let (rank, count) = (option("RANK").unwrap_or(1), option("COUNT"));
        let compared = match option("MAXLEN") {
            None | Some(0) => usize::MAX,
            Some(most) => most as usize,
        };
        let none = || count.map_or_else(nil, |_| array(&[]));
        let list = self.list_or(key, none())?;
        let places: Vec<usize> = if rank < 0 {
            (0..list.len()).rev().collect()
        } else {
            (0..list.len()).collect()
        };
        let found = places.into_iter().take(compared);
        let found = found.filter(|place| list[*place] == wanted);
        let skipped = usize::try_from(rank.unsigned_abs() - 1).unwrap();
        let mut found = found.skip(skipped).map(|place| integer(place as i64));
        Ok(match count {
            None => found.next().unwrap_or_else(nil),
            Some(0) => array(&found.collect::<Vec<_>>()),
            Some(count) => array(&found.take(count as usize).collect::<Vec<_>>()),
        })
    }
}

fn is_inside(index: i64, length: usize) -> bool {
    let length = length as i128;
    (-length..length).contains(&i128::from(index))
}

fn pop(list: &mut VecDeque<Vec<u8>>, left: bool) -> Vec<u8> {
    let element = if left {
        list.pop_front()
    } else {
        list.pop_back()
    };
    element.expect("no list is empty")
}

fn pops(list: &mut VecDeque<Vec<u8>>, left: bool, count: i64) -> Vec<Vec<u8>> {
    let count = usize::try_from(count).unwrap().min(list.len());
    (0..count).map(|_| pop(list, left)).collect()
}
