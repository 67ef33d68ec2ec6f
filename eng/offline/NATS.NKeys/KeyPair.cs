namespace NATS.NKeys;

/// <summary>
/// The one type of NATS.NKeys that NATS.Client.Core names. Its presence lets anonymous and user/password logins load; signing needs the real package.
/// </summary>
public sealed class KeyPair : IDisposable
{
    private const string Missing = "An nkey or JWT login needs the real NATS.NKeys package, which is not in this package feed (see eng/offline/README.md).";

    private KeyPair()
    {
    }

    public static KeyPair FromSeed(ReadOnlySpan<char> seed) => throw new NotSupportedException(Missing);

    public void Sign(ReadOnlyMemory<byte> message, Memory<byte> signature) => throw new NotSupportedException(Missing);

    public string GetPublicKey() => throw new NotSupportedException(Missing);

    public void Dispose()
    {
    }
}
