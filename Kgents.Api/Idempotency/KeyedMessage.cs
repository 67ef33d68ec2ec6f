using System.Security.Cryptography;
using System.Text;
using Kgents.Api.Messages;
using Kgents.Contracts;

namespace Kgents.Api.Idempotency;

/// <summary>A message that a client sends under a key.</summary>
internal sealed record KeyedMessage(IdempotencyKey Key, NewMessage Message)
{
    public string EntryKey => Key.EntryKey(Message.Tenant, Message.Session);

    /// <summary>
    /// Of what is said, and to whom. How it is to be sent is not part of it, nor what it does to other turns. No mode and no budget holds a slash, a blank or a line break, and no
    /// model a line break.
    /// </summary>
    public string BodyHash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{BudgetPart}{Message.Mode}{ModelPart}\n{Message.Text}")));

    private string BudgetPart => Message.Budget == BudgetTiers.Dialogue ? "" : $"{Message.Budget}/";

    private string ModelPart => Message.Model is null ? "" : $" {Message.Model}";

    /// <summary>The same for every retry: all that is not in the request is in the record.</summary>
    public UserMessage ToUserMessage(IdempotencyRecord record) => Message.ToUserMessage(record.Turn, record.N, record.CreatedAt);
}
