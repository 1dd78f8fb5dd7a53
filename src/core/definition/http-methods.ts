/** Methods of `http` nodes: what a deploy takes and a worker sends. `TRACE` and `CONNECT` are for proxies. */
export const httpMethods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
