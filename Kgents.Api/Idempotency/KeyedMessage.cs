using System.Security.Cryptography;
using System.Text;
using Kgents.Contracts;

namespace Kgents.Api.Idempotency;

/// <summary>A message that a client sends under a key. <paramref name="Mode"/> is in its one spelling.</summary>
internal sealed record KeyedMessage(TenantId Tenant, SessionId Session, IdempotencyKey Key, string Text, string Mode)
{
    public string EntryKey => Key.EntryKey(Tenant, Session);

    /// <summary>Of all that is stored of the request. How the answer is to be sent is not part of it. No mode holds a line break.</summary>
    public string BodyHash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Mode}\n{Text}")));

    /// <summary>The same for every retry: all that is not in the request is in the record.</summary>
    public UserMessage ToUserMessage(IdempotencyRecord record) => new(record.Turn, record.N, Text, Mode, record.CreatedAt);
}
