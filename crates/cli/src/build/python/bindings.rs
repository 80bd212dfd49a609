//! Makes a component of componentize-py give the memory back in which it passes bytes to the
//! host.
//!
//! componentize-py 0.25.1 copies each `bytes` that an ability passes to an import, so that the
//! host can read it, and never frees the copy: its runtime hands out the copy in `maybe_pop_list`
//! without `defer_deallocate`. So an ability that saves 50 KB again and again ends at its memory
//! limit. The bindings, a small module of the component, call the runtime for each value. Here
//! they get one more function, which they call in place of `wit_dylib_pop_list`: it does the
//! same, and then has the runtime free the copy with everything else that the call took, by the
//! function that already does this for lists of other types.
//!
//! This module must never be applied to a version that frees the copy itself, which would free
//! it twice.

use anyhow::{Context, Result, anyhow};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, Encode, Function, FunctionSection, Instruction, MemArg, Module, ValType,
};
use wasmparser::{
    BinaryReader, CodeSectionReader, FunctionSectionReader, Operator, Parser, Payload, TypeRef,
};

/// Marks what is built with this, as a part of what the component is made of.
pub const MARK: &str = "bytes are freed";

/// What a component begins with, in bytes: its magic number and its version.
const HEADER_BYTES: usize = 8;
const COMPONENT: &[u8; HEADER_BYTES] = b"\0asm\x0d\0\x01\0";
const CORE_MODULE: u8 = 1;

const POP_LIST: &str = "wit_dylib_pop_list";
const DEALLOC_BYTES: &str = "wit_dylib_dealloc_bytes";

/// The component whose bindings free what they copy; `None` if `component` has no bindings of
/// componentize-py.
///
/// # Errors
///
/// If `component` is damaged.
pub fn mended(component: &[u8]) -> Result<Option<Vec<u8>>> {
    let Some(sections) = component.strip_prefix(COMPONENT) else {
        return Ok(None);
    };
    let mut reader = BinaryReader::new(sections, HEADER_BYTES);
    let mut output = COMPONENT.to_vec();
    let mut found = false;
    while !reader.eof() {
        let id = reader.read_u8()?;
        let length = reader.read_var_u32()?;
        let contents = reader.read_bytes(usize::try_from(length)?)?;
        output.push(id);
        let bindings = match id {
            CORE_MODULE => Bindings::of(contents)?,
            _ => None,
        };
        match bindings {
            Some(mut bindings) => {
                found = true;
                bindings.module(contents)?.as_slice().encode(&mut output);
            }
            None => contents.encode(&mut output),
        }
    }
    Ok(found.then_some(output))
}

/// A module that pops lists from the runtime, and the indices of what it needs for that.
struct Bindings {
    pop_list: u32,
    pop_list_type: u32,
    dealloc_bytes: u32,
    /// How many functions the module has; the new one is the next.
    functions: u32,
}

impl Bindings {
    fn of(module: &[u8]) -> Result<Option<Self>> {
        let mut functions = 0;
        let mut pop_list = None;
        let mut dealloc_bytes = None;
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        let TypeRef::Func(ty) = import.ty else {
                            continue;
                        };
                        match import.name {
                            POP_LIST => pop_list = Some((functions, ty)),
                            DEALLOC_BYTES => dealloc_bytes = Some(functions),
                            _ => {}
                        }
                        functions += 1;
                    }
                }
                Payload::FunctionSection(defined) => {
                    functions += defined.count();
                    break;
                }
                _ => {}
            }
        }
        let (Some((pop_list, pop_list_type)), Some(dealloc_bytes)) = (pop_list, dealloc_bytes)
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            pop_list,
            pop_list_type,
            dealloc_bytes,
            functions,
        }))
    }

    fn module(&mut self, module: &[u8]) -> Result<Vec<u8>> {
        let mut output = Module::new();
        self.parse_core_module(&mut output, Parser::new(0), module)
            .map_err(|error| anyhow!("{error}"))
            .context("its bindings could not be read")?;
        Ok(output.finish())
    }

    /// `pop_list`, with the copy freed when the call that takes it is over.
    ///
    /// A pointer that is null says that there is no copy: the bindings then convert the list
    /// element by element. Only bytes come as a copy, so its length is that of the list.
    fn pop_list_and_free(&self) -> Function {
        let [call, ty, pointer_at, length, pointer] = [0, 1, 2, 3, 4];
        let mut function = Function::new([(2, ValType::I32)]);
        let mut body = function.instructions();
        body.local_get(call).local_get(ty).local_get(pointer_at);
        body.call(self.pop_list).local_set(length);
        body.local_get(pointer_at).i32_load(MemArg {
            offset: 0,
            align: 2,
            memory_index: 0,
        });
        body.local_tee(pointer).if_(BlockType::Empty);
        body.local_get(call).local_get(pointer).local_get(length);
        let (align, when_the_call_is_over) = (1, 1);
        body.i32_const(align).i32_const(when_the_call_is_over);
        body.call(self.dealloc_bytes).end();
        body.local_get(length).end();
        function
    }
}

impl Reencode for Bindings {
    type Error = std::convert::Infallible;

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_function_section(self, functions, section)?;
        functions.function(self.pop_list_type);
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_code_section(self, code, section)?;
        code.function(&self.pop_list_and_free());
        Ok(())
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, Error> {
        match operator {
            Operator::Call { function_index } if function_index == self.pop_list => {
                Ok(Instruction::Call(self.functions))
            }
            operator => utils::instruction(self, operator),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::python::environment::Environment;

    /// The version that does not free the copy.
    const LEAKS: &str = "0.25.1";

    /// Another version may have to be left as it is, or mended in another way.
    #[test]
    fn the_pinned_version_is_the_one_that_leaks() {
        assert_eq!(Environment::pinned(), LEAKS);
    }

    #[test]
    fn other_files_are_left_as_they_are() {
        for other in [&b"component 1"[..], b"", b"\0asm\x01\0\0\0", COMPONENT] {
            assert_eq!(mended(other).expect("readable"), None);
        }
    }

    #[test]
    fn damaged_components_are_refused() {
        for damage in [
            &[CORE_MODULE, 9, 0][..],
            &[CORE_MODULE],
            &[CORE_MODULE, 1, 0],
        ] {
            let component = [COMPONENT, damage].concat();
            mended(&component).expect_err("it is cut off");
        }
    }
}
