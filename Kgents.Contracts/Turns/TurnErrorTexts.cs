namespace Kgents.Contracts;

/// <summary>What a <see cref="TurnErrorCodes">code</see> says to people: the same from the log of a turn and, when that is gone, from its stored answer.</summary>
public static class TurnErrorTexts
{
    public static string Of(string errorCode) => errorCode switch
    {
        TurnErrorCodes.ModelUnavailable => "The language model could not be reached. Nothing was billed; send the message again.",
        TurnErrorCodes.ModelRefusedCredentials => "The language model's provider does not accept this service's key. Nothing was billed; only the operator can mend it.",
        TurnErrorCodes.ModelRefusedRequest => "The language model's provider refused the request; the conversation may be too long for it. Nothing was billed.",
        TurnErrorCodes.ModelRateLimited => "The language model is asked too much at the moment. Nothing was billed; send the message again a little later.",
        TurnErrorCodes.ModelStalled => "The language model stopped answering. Nothing was billed; send the message again.",
        TurnErrorCodes.ModelBrokeOff => "The language model broke off in the middle of its answer. Nothing was billed; send the message again.",
        TurnErrorCodes.ModelEmpty => "The language model gave an empty answer. Nothing was billed; put the message in other words.",
        TurnErrorCodes.ModelUnreadable => "The language model's answer could not be read. Nothing was billed; send the message again.",
        TurnErrorCodes.ModelNotAllowed => "The language model that was asked for is not offered any more. Nothing was billed; choose another.",
        TurnErrorCodes.ReplyTooLong => "The answer grew over the limit and was cut off. Nothing was billed.",
        TurnErrorCodes.QuotaExceeded => "The tokens of this month are used up. What was said before that is kept, and billed.",
        TurnErrorCodes.Interrupted => "The turn was interrupted too often. Nothing was billed; send the message again.",
        TurnErrorCodes.Expired => "The turn waited too long for a worker. Nothing was billed; send the message again.",
        TurnErrorCodes.UnreadableMessage => "The stored message could not be read. Nothing was billed.",
        TurnErrorCodes.UnreadableLog => "A part of the turn could not be read any more. Send the message again.",
        TurnErrorCodes.UnreadableAnswer => "The stored answer could not be read. Send the message again.",
        _ => "The turn failed. Nothing was billed.",
    };
}
