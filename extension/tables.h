/*-------------------------------------------------------------------------
 *
 * tables.h
 *	  The columns that C looks at, by number: extension/sql in C.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNICHAT_TABLES_H
#define UNICHAT_TABLES_H

#define Anum_players_player_id				1
#define Anum_players_player_name			2
#define Anum_players_last_seq				3
#define Anum_players_blocked				6
#define Anum_players_last_hash				8
#define Natts_players						8

#define Anum_messages_id					1
#define Anum_messages_request_id			2
#define Anum_messages_player_id				3
#define Anum_messages_seq					4
#define Anum_messages_sender				5
#define Anum_messages_sender_id				6
#define Anum_messages_message_text			7
#define Anum_messages_timestamp				8
#define Anum_messages_client_message_id		9
#define Anum_messages_salt					10
#define Natts_messages						10

#define Anum_requests_id					1
#define Anum_requests_player_id				2
#define Anum_requests_player_name			3
#define Anum_requests_status				4
#define Anum_requests_urgency				5
#define Anum_requests_assigned_to			6
#define Anum_requests_created_at			7
#define Anum_requests_updated_at			8
#define Anum_requests_waiting_since			9
#define Anum_requests_first_response_at		10
#define Anum_requests_resolved_at			11
#define Anum_requests_last_message			12
#define Anum_requests_last_message_sender	13
#define Anum_requests_last_message_at		14
#define Natts_requests						14

#define Anum_events_player_id				1
#define Anum_events_seq						2
#define Anum_events_xid						13
#define Anum_events_notified				14
#define Anum_events_hash					16
#define Natts_events						16

#define Anum_secret_secret					1

#endif							/* UNICHAT_TABLES_H */
