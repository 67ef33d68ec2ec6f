using System.Security.Cryptography;
using System.Text;
using Kgents.Api.Messages;
using Kgents.Contracts;

namespace Kgents.Api.Idempotency;

/// <summary>A message that a client sends under a key.</summary>
internal sealed record KeyedMessage(IdempotencyKey Key, NewMessage Message)
{
    public string EntryKey => Key.EntryKey(Message.Tenant, Message.Session);

    /// <summary>Of what is said. How it is to be answered is not part of it, nor what it does to other turns. No mode holds a line break.</summary>
    public string BodyHash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Message.Mode}\n{Message.Text}")));

    /// <summary>The same for every retry: all that is not in the request is in the record.</summary>
    public UserMessage ToUserMessage(IdempotencyRecord record) => Message.ToUserMessage(record.Turn, record.N, record.CreatedAt);
}
