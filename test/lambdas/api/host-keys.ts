/** Host keys with what `ssh-keygen -l` prints of them. */
interface SampleKey {
  readonly line: string;
  /** As a machine's eighth field has it. */
  readonly field: string;
  readonly fingerprint: string;
}

function sample(line: string, fingerprint: string): SampleKey {
  return { line, field: Buffer.from(`${line}\n`).toString("base64"), fingerprint };
}

export const oldKey = sample(
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICV7N4ZzHqTUTqHyEKgQBBSgCq6r9TsuDPVwJ7vsEC3h root@itchy",
  "SHA256:0GbwdCmUQt3P574TVEwyLKCxXArMWpZd1Du3VuD9H9c",
);

export const newKey = sample(
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN8CrxHuaOtN+SrlzD5KlUE+Hlmk5S8gAFnKjEY38H5T new@itchy",
  "SHA256:vmalK+TvYTT7ouyLyibVLyYN2BFyD84tNl7xaDABgqM",
);

export const rsaKey = sample(
  "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC8aF71Ni9E5J/9EM9RafWNSBrpwKGC0hyhBUIE13K80OWvqmnGPwqjq48UVoYaSiJ02j6MvYkStmIOAUEJFAFtNoS6TKN4iEoyeCa0pQG3znJFQ8KcMbq9RaCuLjDOyJ/yIys4gOimkewahEF2hVY08qdvJ/aPNkdAPnxkD3xd0ytpPyZ9J217oWiUZaEJiLWkHwgH8qiMaS/Vtwsko47fnU6AV5eD6CmBIEYDuwgSWU2CN4lMT4GfHIw/waN8vbRpVTt6CqPFBGn/XhfBFqfQvG2iJa+nGbPyZQiPsX9LYW0aSTNV/ATXn4jC2CUsDhaZodlCz9YKwPQr7hIogAtn",
  "SHA256:md3Za4ag5X1jcyvPwYm6T7rIAJ4ZvUd7QWiBfW1QJSE",
);
