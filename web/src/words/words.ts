/** The language in use. */

import { en, type Words } from "~/words/en"

export const words: Words = en
