/** User name and password of an http service. */
export type Credentials = { readonly username: string; readonly password: string };

export function credentialsOf(username: string | undefined, password: string | undefined): Credentials | null {
  return username === undefined || password === undefined ? null : { username, password };
}
