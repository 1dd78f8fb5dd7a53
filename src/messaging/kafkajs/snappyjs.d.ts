/** The two functions of snappyjs, which brings no types. */
declare module 'snappyjs' {
  const snappy: {
    compress(bytes: Buffer): Buffer;
    /** Throws on bytes that are no snappy. */
    uncompress(bytes: Buffer): Buffer;
  };
  export default snappy;
}
