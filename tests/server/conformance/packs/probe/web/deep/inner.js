export const deep = 2
