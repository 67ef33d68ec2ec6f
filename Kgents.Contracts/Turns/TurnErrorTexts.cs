namespace Kgents.Contracts;

/// <summary>What a <see cref="TurnErrorCodes">code</see> says to people: the same from the log of a turn and, when that is gone, from its stored answer.</summary>
public static class TurnErrorTexts
{
    public static string Of(string errorCode) => errorCode switch
    {
        TurnErrorCodes.ModelUnavailable => "The language model could not be reached or broke off. Nothing was billed; send the message again.",
        TurnErrorCodes.ReplyTooLong => "The answer grew over the limit and was cut off. Nothing was billed.",
        TurnErrorCodes.Interrupted => "The turn was interrupted too often. Nothing was billed; send the message again.",
        TurnErrorCodes.Expired => "The turn waited too long for a worker. Nothing was billed; send the message again.",
        TurnErrorCodes.UnreadableMessage => "The stored message could not be read. Nothing was billed.",
        _ => "The turn failed. Nothing was billed.",
    };
}
